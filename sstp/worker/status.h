/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_STATUS_H
#define SSTP_WORKER_STATUS_H
/*
 * How a worker that runs is doing, for everybody on the machine: it writes /run/sstp-worker/PID/status.json anew with
 * each change, all at once, and `sstp-worker status` reads those of all that live.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "routing/prefix.h"
#include "sstp/worker/app.h"
#include "sstp/worker/description.h"

enum status_state {
	STATUS_CONNECTING,   /* no tunnel yet */
	STATUS_UP,	     /* packets flow */
	STATUS_DOWN,	     /* the tunnel is lost: what is for the VNet is refused */
	STATUS_DISABLED,     /* likewise: the gateway has disabled the connection */
	STATUS_DISCONNECTED, /* by the operator: nothing of the VNet is left */
	STATUS_STATES,
};

enum {
	STATUS_ERROR_MAX = 256,
	STATUS_NETNS_MAX = 48,
};

/* Texts are borrowed; NULL: not known. Times are seconds since 1970, UTC; 0: never. */
struct status {
	const char *name; /* of the profile, or the gateway's */
	enum status_state state;
	int64_t since;
	const char *gateway; /* host:port */
	const char *address;
	const char *address6;
	const char *tun;
	const char *vnet;
	const char *app_name;
	pid_t app; /* 0: none runs */
	/* what an app that starts now gets, for `sstp-worker exec` */
	const char *netns;	 /* a path for netns_open() */
	const char *resolv_conf; /* mounted over the app's; NULL: its own */
	struct app_variable environment[APP_VARIABLES];
	const struct prefix *routes;
	size_t n_routes;
	const struct prefix *dns; /* host prefixes */
	size_t n_dns;
	const char (*domains)[DESCRIPTION_DOMAIN_MAX];
	size_t n_domains;
	const char *last_error;
	int64_t last_error_at;
	int64_t retry_at; /* when it is dialled again */
};

/* Its word, as in the file: "up". */
const char *status_state_name(enum status_state state);

/* Writes that of this process; makes its folder. 0 or -errno. */
int status_write(const struct status *s);

/* Removes it again. */
void status_remove(void);

/*
 * That of the worker with this name, process id or TUN device, as its file has it: 0 with an owned object. -ENOENT: no
 * such worker runs; -ENOTUNIQ: several do.
 */
int status_find(const char *name, json_t **ret_status);

enum status_answer {
	STATUS_ALL_UP = 0,
	STATUS_NOT_UP = 1,
	STATUS_NO_WORKER = 3,
};

/*
 * Prints those of the workers that live, for people or as a JSON array. name: only of those with this name, process id or
 * TUN device; NULL: all.
 */
enum status_answer status_print(FILE *f, const char *name, bool as_json);

#endif
