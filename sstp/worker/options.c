/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/conf_option.h"

static const char usage[] =
	"Usage: sstp-worker [OPTION...] [--] [APP [ARG...]]\n"
	"       sstp-worker enrol | renew | profile | status ...; see sstp-worker enrol --help\n"
	"       sstp-worker exec NAME [--] COMMAND [ARG...]; see sstp-worker exec --help\n"
	"\n"
	"Dials an SSTP gateway, runs APP with the tunnel's address and routes, and keeps the "
	"tunnel up.\n"
	"\n"
	"  -c, --config FILE          settings as YAML; the command line wins\n"
	"  -P, --profile NAME|FILE    all of a connection, as sstp-worker enrol wrote it\n"
	"  -g, --gateway HOST[:PORT]  gateway (port 443)\n"
	"  -u, --user NAME            user name; with a profile: instead of its certificate\n"
	"  -p, --password-file FILE   password, the first line of FILE\n"
	"      --ca FILE              PEM roots that the gateway's certificate must come from\n"
	"      --pap                  allow PAP besides MS-CHAPv2\n"
	"      --no-eap-mschapv2      do not allow MS-CHAPv2 in EAP, which is allowed by default\n"
	"      --eap-mschapv2         allow it, whatever the file says\n"
	"      --renew-by-reconnect   hang up and dial again when the certificate was renewed\n"
	"      --vnet-name NAME       WEBSITE_VNETNAME of APP\n"
	"  -r, --route PREFIX         send PREFIX into the tunnel, IPv4 or IPv6; many times\n"
	"      --dns-server LIST      one or two name servers for APP, in place of the VNet's\n"
	"      --dns-alt-server ADDR  another one, asked last\n"
	"      --restart-app WHEN     start APP again: never, on-address-change or always\n"
	"      --on-event COMMAND     a shell's command that is told what happens\n"
	"      --own-netns            run APP in a network namespace of its own (default)\n"
	"      --netns NAME           run APP in the namespace NAME\n"
	"      --current-netns        run APP in the present namespace\n"
	"      --tun NAME             device name (vnet0)\n"
	"      --mtu BYTES            MTU of the device (1400)\n"
	"      --connect-timeout S    give up when there is no tunnel after S seconds (0: never)\n"
	"      --congestion NAME      of the tunnel's TCP connection: auto, cubic or bbr\n"
	"      --no-offload LIST      device without tcp-read, udp-read, tcp-merge, udp-merge, "
	"io-uring, or all\n"
	"      --log-level LEVEL      error, warning, info or debug\n"
	"      --log-target TARGET    stderr or journal\n"
	"  -n, --check                verify the settings, print what is in effect, and end\n"
	"  -V, --version              print the version and end\n"
	"  -h, --help                 print this and end\n"
	"\n"
	"See sstp-worker(8).\n";

enum {
	OPT_CA = 256,
	OPT_PAP,
	OPT_EAP_MSCHAPV2,
	OPT_NO_EAP_MSCHAPV2,
	OPT_RENEW_BY_RECONNECT,
	OPT_VNET_NAME,
	OPT_DNS_SERVER,
	OPT_DNS_ALT_SERVER,
	OPT_RESTART_APP,
	OPT_ON_EVENT,
	OPT_OWN_NETNS,
	OPT_NETNS,
	OPT_CURRENT_NETNS,
	OPT_TUN,
	OPT_MTU,
	OPT_CONNECT_TIMEOUT,
	OPT_CONGESTION,
	OPT_NO_OFFLOAD,
	OPT_LOG_LEVEL,
	OPT_LOG_TARGET,
};

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, 'P'},
	{"gateway", required_argument, NULL, 'g'},
	{"user", required_argument, NULL, 'u'},
	{"password-file", required_argument, NULL, 'p'},
	{"ca", required_argument, NULL, OPT_CA},
	{"pap", no_argument, NULL, OPT_PAP},
	{"eap-mschapv2", no_argument, NULL, OPT_EAP_MSCHAPV2},
	{"no-eap-mschapv2", no_argument, NULL, OPT_NO_EAP_MSCHAPV2},
	{"renew-by-reconnect", no_argument, NULL, OPT_RENEW_BY_RECONNECT},
	{"vnet-name", required_argument, NULL, OPT_VNET_NAME},
	{"route", required_argument, NULL, 'r'},
	{"dns-server", required_argument, NULL, OPT_DNS_SERVER},
	{"dns-alt-server", required_argument, NULL, OPT_DNS_ALT_SERVER},
	{"restart-app", required_argument, NULL, OPT_RESTART_APP},
	{"on-event", required_argument, NULL, OPT_ON_EVENT},
	{"own-netns", no_argument, NULL, OPT_OWN_NETNS},
	{"netns", required_argument, NULL, OPT_NETNS},
	{"current-netns", no_argument, NULL, OPT_CURRENT_NETNS},
	{"tun", required_argument, NULL, OPT_TUN},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
	{"congestion", required_argument, NULL, OPT_CONGESTION},
	{"no-offload", required_argument, NULL, OPT_NO_OFFLOAD},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"log-target", required_argument, NULL, OPT_LOG_TARGET},
	{"check", no_argument, NULL, 'n'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int take_text(const char *option, char **slot, struct conf_error *e)
{
	if (!*optarg)
		return conf_fail_plain(e, "%s must not be empty", option);
	*slot = optarg;
	return 0;
}

static int take_route(struct worker_options *o, struct conf_error *e)
{
	if (o->given.routes_count == WORKER_ROUTES_MAX)
		return conf_fail_plain(e, "--route can be given at most %d times",
				       WORKER_ROUTES_MAX);
	o->given.routes = o->routes;
	return take_text("--route", &o->routes[o->given.routes_count++], e);
}

static int take_flag(bool value, bool *room, bool **slot)
{
	*room = value;
	*slot = room;
	return 0;
}

static int take_number(const char *option, uint32_t min, uint32_t max, uint32_t *value,
		       uint32_t **slot, struct conf_error *e)
{
	*slot = value;
	return conf_number_parse(option, optarg, min, max, value, e);
}

static int take_word(const char *option, const cyaml_strval_t *words, size_t n, int32_t *value,
		     int32_t **slot, struct conf_error *e)
{
	*slot = value;
	return conf_word_parse(option, optarg, words, n, value, e);
}

/* What has a long name only. */
static int take_long(int option, char **argv, struct worker_options *o, struct conf_error *e)
{
	struct worker_raw *g = &o->given;

	switch (option) {
	case OPT_CA: return take_text("--ca", &g->ca, e);
	case OPT_PAP: g->auth.pap = &o->yes; return 0;
	case OPT_EAP_MSCHAPV2:
	case OPT_NO_EAP_MSCHAPV2:
		return take_flag(option == OPT_EAP_MSCHAPV2, &o->eap_mschapv2,
				 &g->auth.eap_mschapv2);
	case OPT_RENEW_BY_RECONNECT: g->renew_by_reconnect = &o->yes; return 0;
	case OPT_VNET_NAME: return take_text("--vnet-name", &g->vnet_name, e);
	case OPT_DNS_SERVER: return take_text("--dns-server", &g->dns_server, e);
	case OPT_DNS_ALT_SERVER: return take_text("--dns-alt-server", &g->dns_alt_server, e);
	case OPT_RESTART_APP:
		return take_word("--restart-app", worker_restarts, CYAML_ARRAY_LEN(worker_restarts),
				 &o->restart_app, &g->restart_app, e);
	case OPT_ON_EVENT: return take_text("--on-event", &g->on_event, e);
	case OPT_OWN_NETNS: g->own_netns = &o->yes; return 0;
	case OPT_NETNS: return take_text("--netns", &g->netns, e);
	case OPT_CURRENT_NETNS: g->current_netns = &o->yes; return 0;
	case OPT_TUN: return take_text("--tun", &g->tun, e);
	case OPT_MTU:
		return take_number("--mtu", WORKER_MTU_MIN, WORKER_MTU_MAX, &o->mtu, &g->mtu, e);
	case OPT_CONNECT_TIMEOUT:
		return take_number("--connect-timeout", 0, WORKER_TIMEOUT_MAX_S,
				   &o->connect_timeout, &g->connect_timeout, e);
	case OPT_CONGESTION:
		return take_word("--congestion", conf_congestions,
				 CYAML_ARRAY_LEN(conf_congestions), &o->congestion, &g->congestion,
				 e);
	case OPT_NO_OFFLOAD:
		return conf_offload_take_off("--no-offload", optarg, &o->no, &g->offload, e);
	case OPT_LOG_LEVEL:
		return take_word("--log-level", conf_log_levels, CYAML_ARRAY_LEN(conf_log_levels),
				 &o->log_level, &g->log.level, e);
	case OPT_LOG_TARGET:
		return take_word("--log-target", conf_log_targets,
				 CYAML_ARRAY_LEN(conf_log_targets), &o->log_target, &g->log.target,
				 e);
	default: return conf_option_fail(option, argv, e);
	}
}

static int take(int option, char **argv, struct worker_options *o, struct conf_error *e)
{
	switch (option) {
	case 'c': o->config = optarg; return 0;
	case 'P': return take_text("--profile", &o->given.profile, e);
	case 'g': return take_text("--gateway", &o->given.gateway, e);
	case 'u': return take_text("--user", &o->given.user, e);
	case 'p': return take_text("--password-file", &o->given.password_file, e);
	case 'r': return take_route(o, e);
	case 'n': o->check = true; return 0;
	case 'V': puts("sstp-worker " SSTP_VERSION); return 1;
	case 'h': fputs(usage, stdout); return 1;
	default: return take_long(option, argv, o, e);
	}
}

int worker_options_parse(int argc, char **argv, struct worker_options *o, struct conf_error *e)
{
	int option;
	int r = 0;

	memset(o, 0, sizeof(*o));
	o->yes = true;
	optind = 0; /* start anew, also in a second call */
	while (!r && (option = getopt_long(argc, argv, "+:c:P:g:u:p:r:nVh", options, NULL)) != -1)
		r = take(option, argv, o, e);
	if (!r && optind < argc)
		o->app = argv + optind;
	return r;
}
