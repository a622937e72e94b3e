/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop. Configurations go to the data plane one at a time: until it has said what became of one (RESULT), the next
 * one waits. What it has accepted last is what a data plane that is started again gets, and what its questions are
 * checked against, besides the one that is on its way.
 */
#include "sstp/gateway/parent.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/control/process.h"
#include "sstp/gateway/cert_watch.h"
#include "sstp/gateway/certificates.h"
#include "sstp/gateway/control_main.h"
#include "sstp/gateway/data.h"
#include "sstp/gateway/parent_device.h"
#include "sstp/gateway/parent_listen.h"
#include "sstp/gateway/parent_routes.h"
#include "sstp/gateway/parent_watch.h"

/* Who replaces a certificate and its key, and more such pairs, does so in less than the first. */
#define CERTIFICATES_GATHER (CLOCK_NS_PER_S / 2)
#define CERTIFICATES_POLL   (10 * CLOCK_NS_PER_S)

/* What is announced is withdrawn first, and clients go when others have heard of it. */
#define WITHDRAWAL_NS (200 * CLOCK_NS_PER_MS)

/* By then a control process that has started again has said what is announced (control/bgp.h). */
#define DOUBT_NS (15 * CLOCK_NS_PER_S)

static const char announced_file[] = "announced"; /* in the state folder */

static const char self[] = "/proc/self/exe";

enum phase {
	STARTING, /* the data plane has never been up */
	RUNNING,
	DRAINING, /* and ending */
};

struct parent {
	const struct gateway_options *options;
	struct loop *loop;
	enum phase phase;
	bool has_failed;
	struct process *control; /* NULL: none is wanted */
	struct control_argv control_argv;
	struct process *data;
	struct parent_devices *devices;
	struct parent_listen_sockets listeners;
	struct parent_routes *routes; /* NULL: there is no control process */
	struct loop_timer *drain_timer;
	struct loop_timer *doubt_timer;
	struct parent_set set;	  /* in effect */
	struct cert_watch *watch; /* of its certificates */
	/* on its way to the data plane */
	bool is_asking;
	enum parent_reason reason;
	struct parent_set next; /* of a reload */
	struct cert_watch *next_watch;
	/* what comes after it */
	bool wants_reload;
	bool wants_certificates;
	bool is_second_time; /* what waits was asked of a data plane that has ended */
};

static void run_what_waits(struct parent *p);

static void give_up(struct parent *p)
{
	p->has_failed = true;
	loop_stop(p->loop);
}

/* ---- saying ---- */

static void say(struct process *to, unsigned link, const struct parent_msg *m, const int *fds)
{
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(m, packet);
	int r = len;

	if (len >= 0)
		r = process_send(to, link, packet, (size_t)len, fds, parent_msg_fds(m));
	if (r < 0 && r != -ENOTCONN)
		log_error("a child process cannot be told what it has to know: %s", strerror(-r));
}

static void tell(struct parent *p, enum parent_kind kind)
{
	say(p->data, DATA_LINK_NEWS, &(struct parent_msg){.kind = kind}, NULL);
}

/* Both get an end of a new channel. */
static void introduce(struct parent *p)
{
	const struct parent_msg m = {.kind = PARENT_PEER};
	int fds[2];

	if (!p->control || !p->data || !process_id(p->control) || !process_id(p->data))
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		log_error("control process and data plane cannot be connected: %m");
		return;
	}
	say(p->control, 0, &m, &fds[0]);
	say(p->data, DATA_LINK_NEWS, &m, &fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static enum log_level level_of(const struct parent *p, const struct gateway_config *config)
{
	return p->options->has_log_level ? p->options->log_level : config->log.level;
}

static void send_config(struct parent *p, enum parent_reason reason, const struct parent_set *set)
{
	struct parent_msg m = {.kind = PARENT_CONFIG,
			       .config = {.reason = reason,
					  .log_level = level_of(p, set->config),
					  .path = set->config->path}};

	parent_listen_set_congestion(&p->listeners, set->config);
	p->is_asking = true;
	p->reason = reason;
	say(p->data, DATA_LINK_NEWS, &m, (const int[]){set->yaml, set->files});
}

/* ---- certificates ---- */

static void on_certificates_changed(void *arg)
{
	struct parent *p = arg;

	p->wants_certificates = true;
	run_what_waits(p);
}

/* Returns owned; NULL without memory. */
static struct cert_watch *watch_certificates(struct parent *p, const struct gateway_config *config)
{
	const char **files = certificates_files(config);
	struct cert_watch *watch = NULL;

	if (files)
		watch = cert_watch_new(p->loop, &(struct cert_watch_params){
							.files = files,
							.n_files = 2 * config->n_certificates,
							.gather_ns = CERTIFICATES_GATHER,
							.poll_ns = CERTIFICATES_POLL,
							.on_change = on_certificates_changed,
							.arg = p,
						});
	free(files);
	return watch;
}

/* Files are watched before they are read: no change is missed in between. 0 or -errno. */
static int read_certificates(struct parent *p, struct parent_set *s, struct cert_watch **ret_watch)
{
	struct cert_watch *watch = watch_certificates(p, s->config);
	int r = watch ? parent_set_read_files(s) : -ENOMEM;

	if (r < 0) {
		cert_watch_free(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

static void send_certificates(struct parent *p)
{
	struct parent_set now = p->set;
	int r;

	now.files = -1; /* those of p->set stay until the new ones are accepted */
	r = parent_set_read_files(&now);
	if (r < 0) {
		log_error("certificate files have changed and cannot be read: %s", strerror(-r));
		return;
	}
	p->next.files = now.files;
	send_config(p, PARENT_CERTIFICATES, &now);
}

/* ---- reload ---- */

static void refuse_reload(struct parent *p, const char *why)
{
	parent_listen_set_congestion(&p->listeners, p->set.config);
	log_error("reload refused, nothing has changed: %s", why);
}

static void drop_next(struct parent *p)
{
	parent_set_done(&p->next);
	cert_watch_free(p->next_watch);
	p->next_watch = NULL;
}

static void load_next(struct parent *p)
{
	struct conf_error error;
	char why[CONF_ERROR_MAX];
	const char *restart;
	int r = parent_set_load(p->set.config->path, &p->next, &error);

	if (r < 0) {
		refuse_reload(p, error.text);
		return;
	}
	restart = gateway_config_needs_restart(p->set.config, p->next.config, why);
	r = restart ? 0 : read_certificates(p, &p->next, &p->next_watch);
	if (restart || r < 0) {
		refuse_reload(p, restart ? restart : strerror(-r));
		drop_next(p);
		return;
	}
	send_config(p, PARENT_RELOAD, &p->next);
}

static void run_what_waits(struct parent *p)
{
	if (p->phase == DRAINING || p->is_asking || !process_id(p->data))
		return;
	if (p->wants_reload) { /* which reads certificates too */
		p->wants_reload = false;
		p->wants_certificates = false;
		load_next(p);
	} else if (p->wants_certificates) {
		p->wants_certificates = false;
		send_certificates(p);
	}
}

static void take_next(struct parent *p)
{
	parent_set_done(&p->set);
	cert_watch_free(p->watch);
	p->set = p->next;
	p->watch = p->next_watch;
	p->next = parent_set_none();
	p->next_watch = NULL;
	parent_open_log(p->options, p->set.config);
	if (p->routes)
		parent_routes_reconfigure(p->routes, p->set.config);
	log_info("reloaded");
}

static void take_certificates(struct parent *p)
{
	close(p->set.files);
	p->set.files = p->next.files;
	p->next.files = -1;
}

/* ---- the data plane ---- */

static void on_started(struct parent *p, const struct parent_result *m)
{
	if (m->error) {
		log_error("%s", m->text);
		if (p->phase == STARTING)
			give_up(p);
	} else if (p->phase == STARTING) {
		p->phase = RUNNING;
	} else {
		log_info("the data plane runs again");
	}
}

static void on_result(struct parent *p, const struct parent_result *m)
{
	if (!p->is_asking)
		return;
	p->is_asking = false;
	if (p->reason != PARENT_START)
		p->is_second_time = false;
	if (p->reason == PARENT_START)
		on_started(p, m);
	else if (p->reason == PARENT_RELOAD && !m->error)
		take_next(p);
	else if (p->reason == PARENT_RELOAD)
		refuse_reload(p, m->text);
	else if (!m->error)
		take_certificates(p);
	drop_next(p);
	run_what_waits(p);
}

static void answer_device(void *arg, const struct parent_msg *m, const int *fds)
{
	struct parent *p = arg;

	say(p->data, DATA_LINK_QUESTIONS, m, fds);
}

static void on_open_device(struct parent *p, const struct parent_open *m)
{
	int error = 0;
	const char *objection = parent_device_objection(m, p->set.config, &error);
	char tun[4 * IFNAMSIZ];

	if (objection && p->next.config)
		objection = parent_device_objection(m, p->next.config, &error);
	if (!objection) {
		parent_devices_open(p->devices, m);
		return;
	}
	log_error("the data plane does not get device '%s': %s",
		  log_escape(tun, sizeof(tun), m->tun, strlen(m->tun)), objection);
	parent_devices_refuse(p->devices, error);
}

static void on_listen(struct parent *p, const struct parent_listen *m)
{
	char text[CONF_ERROR_MAX] = "";
	int error = 0;
	const int *fds =
		parent_listen_get(&p->listeners, p->set.config, m->index, m->sockets, &error, text);
	struct parent_msg answer = {
		.kind = PARENT_SOCKETS,
		.sockets = {.error = error, .text = text, .sockets = fds ? m->sockets : 0},
	};

	say(p->data, DATA_LINK_QUESTIONS, &answer, fds);
}

static void on_data_message(void *arg, unsigned link, const uint8_t *msg, size_t len,
			    struct msgsock_fds *fds)
{
	struct parent *p = arg;
	struct parent_msg m;

	if (p->phase == DRAINING)
		return;
	if (parent_msg_decode(msg, len, fds->n, false, &m) < 0 || m.kind == PARENT_LEARN ||
	    m.kind == PARENT_ANNOUNCE || m.kind == PARENT_DIAL || m.kind == PARENT_WATCH) {
		log_error("the data plane sends what is no message: it is ended");
		kill(process_id(p->data), SIGKILL);
		return;
	}
	switch (m.kind) {
	case PARENT_RESULT: on_result(p, &m.result); break;
	case PARENT_OPEN_DEVICE: on_open_device(p, &m.open); break;
	case PARENT_LISTEN: on_listen(p, &m.listen); break;
	default: break; /* all that a child sends is above */
	}
}

static void start_data(struct parent *p)
{
	send_config(p, PARENT_START, &p->set);
	introduce(p);
}

static void on_data_up(void *arg)
{
	struct parent *p = arg;

	if (p->data) /* else from within process_new() */
		start_data(p);
}

/* The next one is asked what this one has not answered; but once, for perhaps it was that what it died of. */
static void ask_again(struct parent *p)
{
	bool is_open = p->is_asking && p->reason != PARENT_START;

	p->is_asking = false;
	if (!is_open)
		return;
	if (p->is_second_time)
		log_error("%s is dropped: the data plane has ended over it twice",
			  p->reason == PARENT_RELOAD ? "a reload" : "a change of certificates");
	else if (p->reason == PARENT_RELOAD)
		p->wants_reload = true;
	else
		p->wants_certificates = true;
	p->is_second_time = !p->is_second_time;
}

static void on_data_down(void *arg, const char *why)
{
	struct parent *p = arg;

	ask_again(p);
	drop_next(p);
	parent_devices_forget(p->devices);
	if (p->phase == DRAINING) {
		loop_stop(p->loop);
		return;
	}
	if (p->has_failed)
		return;
	log_error("the data plane is gone: %s%s", why,
		  p->phase == RUNNING ? "; it is started again, its clients have to come back"
				      : "");
	if (p->phase == STARTING)
		give_up(p);
}

/* ---- control ---- */

static void on_control_up(void *arg)
{
	struct parent *p = arg;

	introduce(p);
	parent_routes_doubt(p->routes);
	loop_timer_set(p->doubt_timer, clock_now() + DOUBT_NS);
}

static void on_doubt_timer(void *arg)
{
	struct parent *p = arg;

	parent_routes_drop_doubted(p->routes);
}

static const char *objection_to_netns(const struct parent *p, const char *netns)
{
	const char *objection = parent_routes_objection(netns, p->set.config);

	if (objection && p->next.config)
		objection = parent_routes_objection(netns, p->next.config);
	return objection;
}

static void on_learn(struct parent *p, const struct parent_learn *m)
{
	int fd = objection_to_netns(p, m->netns) ? -EPERM : parent_routes_learn(m->netns);
	struct parent_msg answer = {
		.kind = PARENT_LEARN_SOCKET,
		.learn_socket = {.vnet = m->vnet, .error = fd < 0 ? fd : 0},
	};

	say(p->control, 0, &answer, &fd);
	if (fd >= 0)
		close(fd);
}

static void on_dial(struct parent *p, const struct parent_dial *m)
{
	int fd = objection_to_netns(p, m->netns) ? -EPERM : parent_routes_dial(m);
	struct parent_msg answer = {
		.kind = PARENT_DIALLED,
		.dialled = {.id = m->id, .error = fd < 0 ? fd : 0},
	};

	say(p->control, 0, &answer, &fd);
	if (fd >= 0)
		close(fd);
}

static void on_watch(struct parent *p, const struct parent_watch *m)
{
	int fds[2] = {-1, -1}, own_error = 0;
	int r = objection_to_netns(p, m->netns) ? -EPERM : parent_watch_open(m, fds, &own_error);
	struct parent_msg answer = {
		.kind = PARENT_WATCHING,
		.watching = {.id = m->id, .error = r, .own_error = r < 0 ? 0 : own_error},
	};

	say(p->control, 0, &answer, fds);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Who is on his way out announces nothing any more. */
static void on_announce(struct parent *p, const struct parent_announce *m, int fd)
{
	char text[PARENT_TEXT_MAX + 1] = "the gateway ends";
	const char *objection = objection_to_netns(p, m->netns);
	int error = -ESHUTDOWN;
	struct parent_msg answer;

	if (objection) {
		error = -EPERM;
		snprintf(text, sizeof(text), "%s", objection);
	} else if (p->phase != DRAINING) {
		error = parent_routes_announce(p->routes, m, fd, text);
	}
	answer = (struct parent_msg){
		.kind = PARENT_ANNOUNCED,
		.announced = {.vnet = m->vnet, .error = error, .text = text},
	};
	say(p->control, 0, &answer, NULL);
}

static void on_control_message(void *arg, unsigned link, const uint8_t *msg, size_t len,
			       struct msgsock_fds *fds)
{
	struct parent *p = arg;
	struct parent_msg m = {0};
	bool is_message = parent_msg_decode(msg, len, fds->n, false, &m) == 0;

	if (is_message && m.kind == PARENT_LEARN) {
		on_learn(p, &m.learn);
	} else if (is_message && m.kind == PARENT_DIAL) {
		on_dial(p, &m.dial);
	} else if (is_message && m.kind == PARENT_WATCH) {
		on_watch(p, &m.watch);
	} else if (is_message && m.kind == PARENT_ANNOUNCE) {
		on_announce(p, &m.announce, fds->fd[0]);
	} else {
		log_error("the control process sends what is no message: it is ended");
		kill(process_id(p->control), SIGKILL);
	}
}

static void on_control_down(void *arg, const char *why)
{
	struct parent *p = arg;

	if (p->phase != DRAINING)
		log_error("the control process is gone: %s; tunnels go on, it is started again",
			  why);
}

/* ---- signals ---- */

static void on_signal_stop(void *arg, int signo)
{
	struct parent *p = arg;

	bool is_up = p->phase == RUNNING && process_id(p->data) &&
		     !(p->is_asking && p->reason == PARENT_START);

	if (!is_up) { /* there is nobody to take leave of; and the second one means now */
		loop_stop(p->loop);
		return;
	}
	p->phase = DRAINING;
	log_info("%s: disconnecting every client", strsignal(signo));
	parent_listen_close(&p->listeners);
	if (p->routes && parent_routes_withdraw(p->routes))
		loop_timer_set(p->drain_timer, loop_now(p->loop) + WITHDRAWAL_NS);
	else
		tell(p, PARENT_DRAIN);
}

static void on_drain_timer(void *arg)
{
	tell(arg, PARENT_DRAIN);
}

static void on_signal_reload(void *arg, int signo)
{
	struct parent *p = arg;

	p->wants_reload = true;
	run_what_waits(p);
}

static void on_signal_stats(void *arg, int signo)
{
	struct parent *p = arg;

	if (p->phase == RUNNING && !(p->is_asking && p->reason == PARENT_START))
		tell(p, PARENT_STATS);
}

static int watch_signals(struct parent *p)
{
	int r = loop_on_signal(p->loop, SIGTERM, on_signal_stop, p);

	if (r == 0)
		r = loop_on_signal(p->loop, SIGINT, on_signal_stop, p);
	if (r == 0)
		r = loop_on_signal(p->loop, SIGHUP, on_signal_reload, p);
	if (r == 0)
		r = loop_on_signal(p->loop, SIGUSR1, on_signal_stats, p);
	return r;
}

/* ---- life ---- */

void parent_open_log(const struct gateway_options *options, const struct gateway_config *config)
{
	enum log_level level = options->has_log_level ? options->log_level : config->log.level;

	if (log_open("sstp-gateway", config->log.target, level) < 0)
		log_warning("journald cannot be reached: logging to standard error");
}

/*
 * The children inherit them. Secrets stay out of core dumps; every descriptor that the system allows can be a session.
 */
static void set_process_limits(void)
{
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
}

static int start_control(struct parent *p)
{
	struct process_params params = {
		.program = self,
		.argv = p->control_argv.argv,
		.links = 1,
		.on_up = on_control_up,
		.on_message = on_control_message,
		.on_down = on_control_down,
		.arg = p,
	};
	int r;

	if (!p->set.config->has_control)
		return 0;
	r = control_argv_init(&p->control_argv, p->set.config, level_of(p, p->set.config));
	if (r < 0)
		return r;
	p->control = process_new(p->loop, &params);
	return p->control ? 0 : -errno;
}

static int start_children(struct parent *p)
{
	struct process_params params = {
		.program = self,
		.argv = data_argv,
		.links = DATA_LINKS,
		.on_up = on_data_up,
		.on_message = on_data_message,
		.on_down = on_data_down,
		.arg = p,
	};
	int r = start_control(p);

	if (r < 0)
		return r;
	p->data = process_new(p->loop, &params);
	if (!p->data)
		return -errno;
	start_data(p);
	return 0;
}

/* First of all what a gateway before has left is withdrawn. 0 or -errno. */
static int open_routes(struct parent *p)
{
	const struct gateway_config *config = p->set.config;
	char path[PATH_MAX];

	if (!config->has_control)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", config->state, announced_file) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	p->routes = parent_routes_new(path);
	return p->routes ? 0 : -ENOMEM;
}

static int set_up(struct parent *p)
{
	int r = watch_signals(p);

	if (r == 0)
		r = open_routes(p);
	if (r < 0)
		return r;
	p->devices = parent_devices_new(p->loop, answer_device, p);
	p->drain_timer = loop_timer_new(p->loop, on_drain_timer, p);
	p->doubt_timer = loop_timer_new(p->loop, on_doubt_timer, p);
	if (!p->devices || !p->drain_timer || !p->doubt_timer)
		return -ENOMEM;
	r = read_certificates(p, &p->set, &p->watch);
	return r < 0 ? r : start_children(p);
}

/* The data plane first: it takes leave of control. */
static void parent_done(struct parent *p)
{
	if (p->routes)
		parent_routes_withdraw(p->routes);
	process_free(p->data);
	process_free(p->control);
	parent_routes_free(p->routes);
	loop_timer_free(p->drain_timer);
	loop_timer_free(p->doubt_timer);
	control_argv_done(&p->control_argv);
	parent_devices_free(p->devices);
	parent_listen_close(&p->listeners);
	drop_next(p);
	cert_watch_free(p->watch);
	parent_set_done(&p->set);
	loop_free(p->loop);
}

int parent_run(const struct gateway_options *options, struct parent_set *set)
{
	struct parent p = {.options = options, .set = *set, .next = parent_set_none()};
	char error[CONF_ERROR_MAX];
	int r;

	*set = parent_set_none();
	set_process_limits();
	p.loop = loop_new();
	r = p.loop ? parent_listen_probe(p.set.config, error) : -errno;
	if (p.loop && r < 0)
		log_error("%s", error);
	else if (r == 0) {
		r = set_up(&p);
		if (r < 0)
			log_error("cannot start: %s", strerror(-r));
	}
	if (r == 0)
		r = loop_run(p.loop);
	parent_done(&p);
	return r < 0 || p.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
