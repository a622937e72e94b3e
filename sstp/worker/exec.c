/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/exec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/worker/app.h"
#include "sstp/worker/config.h"
#include "sstp/worker/status.h"
#include "tun/netns.h"

static const char usage[] =
	"Usage: sstp-worker exec NAME [--] COMMAND [ARG...]\n"
	"\n"
	"Runs COMMAND as the app of the worker NAME sees the world: in its network namespace, with "
	"its\n"
	"resolv.conf and its variables, such as WEBSITE_PRIVATE_IP. NAME is a profile's name, a "
	"TUN\n"
	"device or a process id, as in sstp-worker status.\n"
	"\n"
	"The exit status is COMMAND's; 125 when it could not be brought there, 126 when it is not\n"
	"executable, 127 when it is not found.\n"
	"\n"
	"  -h, --help    print this and end\n"
	"\n"
	"See sstp-worker(8).\n";

bool exec_is_meant(int argc, char *const *argv)
{
	return argc > 1 && strcmp(argv[1], "exec") == 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* ---- the worker ---- */

static int find(const char *name, json_t **ret_status)
{
	int r = status_find(name, ret_status);

	if (r == -ENOTUNIQ)
		fprintf(stderr,
			"sstp-worker: several workers are called '%s': use a process id of "
			"sstp-worker status --json\n",
			name);
	else if (r < 0)
		fprintf(stderr, "sstp-worker: no worker '%s' runs here; see: sstp-worker status\n",
			name);
	return r;
}

/* It is a world to look at all the same, and the only one in which to find out why. */
static void warn_unless_up(const json_t *o)
{
	const char *state = text_of(o, "state"), *since = text_of(o, "since");
	const char *error = text_of(o, "lastError");

	if (state && strcmp(state, status_state_name(STATUS_UP)) == 0)
		return;
	fprintf(stderr,
		"sstp-worker: the tunnel of '%s' is not up: %s since %s%s%s; what is for the VNet "
		"is refused\n",
		text_of(o, "name"), state ? state : "?", since ? since : "?",
		error ? ", last error: " : "", error ? error : "");
}

/* ---- its app's world ---- */

static bool is_here(int netns_fd)
{
	struct stat there, here;

	return fstat(netns_fd, &there) == 0 && stat("/proc/self/ns/net", &here) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* < 0: no namespace has to be entered. */
static int open_namespace(const json_t *o, int *ret_fd)
{
	const char *path = text_of(o, "netns");
	int fd = path ? netns_open(path) : -EPROTO;

	if (fd >= 0 && is_here(fd)) {
		close(fd);
		fd = -1;
	} else if (fd < 0) {
		fprintf(stderr, "sstp-worker: cannot open the app's network namespace: %s%s\n",
			strerror(-fd),
			fd == -EACCES || fd == -EPERM ? " (needs CAP_SYS_PTRACE: run as root)"
						      : "");
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

static struct app_params params_of(const json_t *o, char *const *command)
{
	const json_t *environment = json_object_get(o, "environment");

	return (struct app_params){
		.argv = command,
		.resolv_conf = text_of(o, "resolvConf"),
		.private_ip = text_of(environment, "WEBSITE_PRIVATE_IP"),
		.private_ipv6 = text_of(environment, "WEBSITE_PRIVATE_IPV6"),
		.private_pool = text_of(environment, "WEBSITE_PRIVATE_POOL"),
		.dns_server = text_of(environment, "WEBSITE_DNS_SERVER"),
		.dns_alt_server = text_of(environment, "WEBSITE_DNS_ALT_SERVER"),
		.vnet_name = text_of(environment, "WEBSITE_VNETNAME"),
	};
}

static int exit_of(int error)
{
	switch (error) {
	case -ECHILD: return WORKER_EXIT_INTERNAL;
	case -ENOENT: return WORKER_EXIT_NOT_FOUND;
	default: return WORKER_EXIT_CANNOT_EXEC;
	}
}

static int become(const json_t *o, char *const *command)
{
	struct app_params params = params_of(o, command);
	char error[256];
	int r = open_namespace(o, &params.netns_fd);

	if (r < 0)
		return WORKER_EXIT_INTERNAL;
	warn_unless_up(o);
	r = app_become(&params, error);
	fprintf(stderr, "sstp-worker: %s%s\n", error,
		r == -ECHILD && geteuid() != 0 ? " (needs CAP_SYS_ADMIN: run as root)" : "");
	return exit_of(r);
}

int exec_run(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : NULL;
	json_t *o;
	int r, at = 3;

	if (name && (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	if (at >= argc || name[0] == '-') {
		fputs("sstp-worker: use: sstp-worker exec NAME [--] COMMAND [ARG...]\n", stderr);
		return WORKER_EXIT_USAGE;
	}
	if (find(name, &o) < 0)
		return WORKER_EXIT_INTERNAL;
	r = become(o, argv + at);
	json_decref(o);
	return r;
}
