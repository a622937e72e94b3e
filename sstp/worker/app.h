/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_APP_H
#define SSTP_WORKER_APP_H
/*
 * The app: a child process in its network namespace, with its own mount namespace when it gets a
 * resolv.conf, and the variables that tell it its address.
 */
#include <sys/types.h>

struct app_params {
	char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	int netns_fd;	   /* < 0: the present one */
	/* mounted over /etc/resolv.conf, if there is one, for the app only; or NULL */
	const char *resolv_conf;
	const char *private_ip;	    /* WEBSITE_PRIVATE_IP */
	const char *private_ipv6;   /* WEBSITE_PRIVATE_IPV6; NULL: not set */
	const char *dns_server;	    /* WEBSITE_DNS_SERVER; NULL: not set */
	const char *dns_alt_server; /* WEBSITE_DNS_ALT_SERVER; NULL: not set */
	const char *vnet_name;	    /* WEBSITE_VNETNAME; NULL: not set */
	const char *private_pool;   /* WEBSITE_PRIVATE_POOL; NULL: not set */
};

/* A variable of the app's environment: borrowed from the app_params it stands for. */
struct app_variable {
	const char *name;
	const char *value; /* NULL: not set, whatever the worker itself was started with */
};

enum {
	APP_VARIABLES = 6
};

/* All that are set for it, or kept from it. */
void app_variables(const struct app_params *params,
		   struct app_variable ret_variables[APP_VARIABLES]);

/*
 * Starts it. 0 with its process id; or -errno when it cannot be started, with a sentence in
 * ret_error: -ECHILD it never came to the exec; else what exec said: -ENOENT not found, -EACCES and
 * others not executable.
 */
int app_start(const struct app_params *params, pid_t *ret_pid, char ret_error[256]);

/*
 * Becomes it: the calling process enters the namespaces and executes argv. Does not return when that is done; else
 * as app_start(), and the process is of no more use.
 */
int app_become(const struct app_params *params, char ret_error[256]);

/* Exit status for a shell, from waitpid()'s. */
int app_exit_status(int wait_status);

#endif
