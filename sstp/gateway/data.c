/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/base/sealed.h"
#include "sstp/base/secret.h"
#include "sstp/control/process.h"
#include "sstp/gateway/capabilities.h"
#include "sstp/gateway/gateway.h"

static const char data_mode[] = "--data-process";

const char *const data_argv[] = {"sstp-gateway", data_mode, NULL};

/* The links, as they are here. */
enum {
	NEWS_FD = PROCESS_FD + DATA_LINK_NEWS,
	QUESTIONS_FD = PROCESS_FD + DATA_LINK_QUESTIONS,
	FOREVER = -1,
};

struct data {
	struct loop *loop;
	struct loop_io *io;
	struct parent_ask parent;
	struct gateway *gateway;
	bool is_started;
};

/* A CONFIG, with what is behind its descriptors. */
struct news {
	enum parent_reason reason;
	struct gateway_config *config; /* owned until it is taken */
	struct pem_files files;
};

static void news_done(struct news *n)
{
	gateway_config_free(n->config);
	pem_files_done(&n->files);
	*n = (struct news){0};
}

/* ---- reading a configuration ---- */

/* The parent has checked it, and its files. */
static int read_yaml(int fd, const char *path, struct news *n, char ret_error[GATEWAY_ERROR_MAX])
{
	struct conf_text text = {.path = path};
	struct conf_error error;
	uint8_t *bytes;
	int r = sealed_read(fd, CONF_FILE_MAX, &bytes, &text.len);

	if (r < 0) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "the configuration: %s", strerror(-r));
		return r;
	}
	text.bytes = (const char *)bytes;
	r = gateway_config_parse(&text, false, &n->config, &error);
	secret_wipe_bytes(bytes, text.len);
	free(bytes);
	if (r < 0)
		snprintf(ret_error, GATEWAY_ERROR_MAX, "%s", error.text);
	return r;
}

static int read_files(int fd, struct news *n, char ret_error[GATEWAY_ERROR_MAX])
{
	uint8_t *bytes;
	size_t len;
	int r = sealed_read(fd, PEM_FILES_BYTES_MAX, &bytes, &len);

	if (r == 0) {
		r = pem_files_decode(bytes, len, &n->files);
		pem_files_wipe(bytes, len);
	}
	if (r < 0)
		snprintf(ret_error, GATEWAY_ERROR_MAX, "the certificates: %s", strerror(-r));
	return r;
}

static int read_news(const struct parent_config *m, const int fds[2], struct news *ret_news,
		     char ret_error[GATEWAY_ERROR_MAX])
{
	struct news n = {.reason = m->reason};
	int r = read_yaml(fds[0], m->path, &n, ret_error);

	if (r == 0)
		r = read_files(fds[1], &n, ret_error);
	if (r < 0) {
		news_done(&n);
		return r;
	}
	*ret_news = n;
	return 0;
}

static void open_log(const struct gateway_config *config, unsigned level)
{
	if (log_open("sstp-gateway", config->log.target, (enum log_level)level) < 0)
		log_warning("journald cannot be reached: logging to standard error");
}

/* ---- what the parent says ---- */

static void tell_result(int error, const char *text)
{
	struct parent_msg m = {.kind = PARENT_RESULT, .result = {.error = error, .text = text}};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&m, packet);

	if (len < 0 || msgsock_send(NEWS_FD, packet, (size_t)len, NULL, 0) < 0)
		log_error("the parent process cannot be told what became of the configuration");
}

static int apply(struct data *d, const struct parent_config *m, struct news *n,
		 char error[GATEWAY_ERROR_MAX])
{
	struct gateway_config *config = n->config;
	int r;

	if (m->reason == PARENT_CERTIFICATES)
		return gateway_set_certificates(d->gateway, &n->files, error);
	n->config = NULL;
	r = gateway_reload(d->gateway, config, &n->files, error);
	if (r == 0)
		open_log(config, m->log_level);
	return r;
}

static void on_config(struct data *d, const struct parent_config *m, const int fds[2])
{
	char error[GATEWAY_ERROR_MAX] = "";
	struct news n;
	int r = read_news(m, fds, &n, error);

	if (r == 0) {
		r = apply(d, m, &n, error);
		news_done(&n);
	}
	tell_result(r, r < 0 ? error : "");
}

static void on_stopped(void *arg)
{
	struct data *d = arg;

	loop_stop(d->loop);
}

static void on_message(struct data *d, const struct parent_msg *m, struct msgsock_fds *fds)
{
	if (m->kind == PARENT_PEER)
		gateway_attach_control(d->gateway, msgsock_take_fd(fds));
	else if (
		!d->is_started) /* the parent asks for nothing else before it has heard of the start */
		log_error("the parent process does not keep to the protocol");
	else if (m->kind == PARENT_CONFIG)
		on_config(d, &m->config, fds->fd);
	else if (m->kind == PARENT_DRAIN)
		gateway_stop(d->gateway, on_stopped, d);
	else if (m->kind == PARENT_STATS)
		gateway_log_stats(d->gateway);
}

/* 1: there was a message; 0: there is none; -errno: nor will there be any more. */
static int receive(uint8_t packet[MSGSOCK_MAX], struct parent_msg *ret_msg,
		   struct msgsock_fds *ret_fds)
{
	ssize_t n = msgsock_recv(NEWS_FD, packet, ret_fds);
	int r;

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	r = parent_msg_decode(packet, (size_t)n, ret_fds->n, true, ret_msg);
	if (r < 0)
		msgsock_close_fds(ret_fds);
	return r < 0 ? r : 1;
}

/* One at a time: a message may end the loop. */
static void on_news(void *arg, unsigned ready)
{
	struct data *d = arg;
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;
	int r = receive(packet, &m, &fds);

	if (r > 0) {
		on_message(d, &m, &fds);
		msgsock_close_fds(&fds);
	} else if (r < 0) {
		loop_io_watch(d->io, 0);
		loop_stop(d->loop);
	}
}

/* ---- life ---- */

/* The first word, and before it there is nothing to do. 0, or -errno and a sentence; "": the parent has gone. */
static int wait_for_news(struct news *ret_news, char ret_error[GATEWAY_ERROR_MAX])
{
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;
	int r = 0;

	*ret_error = '\0';
	while (r == 0) {
		r = msgsock_wait(NEWS_FD, FOREVER);
		if (r == 0)
			r = receive(packet, &m, &fds);
	}
	if (r < 0)
		return r;
	r = m.kind == PARENT_CONFIG ? read_news(&m.config, fds.fd, ret_news, ret_error) : -EPROTO;
	msgsock_close_fds(&fds);
	if (r == 0)
		open_log(ret_news->config, m.config.log_level);
	return r;
}

static int start(struct data *d, struct news *n, char ret_error[GATEWAY_ERROR_MAX])
{
	struct gateway_config *config = n->config;
	int r = gateway_new(d->loop, &d->parent, config, &n->files, &d->gateway, ret_error);

	if (r < 0)
		return r;
	d->io = loop_io_new(d->loop, NEWS_FD, LOOP_READ, on_news, d);
	if (!d->io) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	n->config = NULL;
	return gateway_start(d->gateway, config, &n->files, ret_error);
}

static int run(struct news *n)
{
	struct data d = {.loop = loop_new(), .parent = {.fd = QUESTIONS_FD}};
	char error[GATEWAY_ERROR_MAX] = "cannot make an event loop";
	int r = d.loop ? start(&d, n, error) : -ENOMEM;

	news_done(n);
	tell_result(r, r < 0 ? error : "");
	if (r == 0) {
		d.is_started = true;
		r = loop_run(d.loop);
		gateway_log_stats(d.gateway);
	}
	gateway_free(d.gateway);
	loop_io_free(d.io);
	loop_free(d.loop);
	return r;
}

bool data_main(int argc, char **argv, int *ret_code)
{
	char error[GATEWAY_ERROR_MAX] = "";
	struct news n;
	int r;

	if (argc != 2 || strcmp(argv[1], data_mode) != 0)
		return false;
	process_begin("sstp-gateway");
	log_open("sstp-gateway", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	r = capabilities_drop();
	if (r < 0)
		log_error("capabilities cannot be given up: %s", strerror(-r));
	if (r == 0)
		r = wait_for_news(&n, error);
	if (r == 0)
		r = run(&n);
	else if (*error)
		tell_result(r, error);
	*ret_code = r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	return true;
}
