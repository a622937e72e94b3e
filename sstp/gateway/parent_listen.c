/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/listen.h"
#include "sstp/net/stream.h"

#define PATIENCE (2 * CLOCK_NS_PER_S)

enum {
	DEFAULT_PORT = 443,
	PAUSE_NS = 20 * 1000 * 1000,
};

static int explain(const char *address, int error, char ret_error[CONF_ERROR_MAX])
{
	const char *advice = "";

	if (error == -EACCES)
		advice = " (ports below 1024 need CAP_NET_BIND_SERVICE: run as root)";
	else if (error == -EADDRINUSE)
		advice = " (another process listens there: see ss -ltnp)";
	else if (error == -EADDRNOTAVAIL)
		advice = " (no interface here has this address)";
	snprintf(ret_error, CONF_ERROR_MAX, "cannot listen on %s: %s%s", address, strerror(-error),
		 advice);
	return error;
}

/* Nothing is listened on yet: whoever holds the address is somebody else. */
static int probe(const char *address, uint64_t until)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int r = address_parse(address, DEFAULT_PORT, &addr, &len);

	if (r < 0)
		return r;
	r = listener_probe((struct sockaddr *)&addr, len);
	while (r == -EADDRINUSE && clock_now() < until) {
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		r = listener_probe((struct sockaddr *)&addr, len);
	}
	return r;
}

int parent_listen_probe(const struct gateway_config *config, char ret_error[CONF_ERROR_MAX])
{
	uint64_t until = clock_now() + PATIENCE;

	for (size_t i = 0; i < config->n_listen; i++) {
		int r = probe(config->listen[i], until);

		if (r < 0)
			return explain(config->listen[i], r, ret_error);
	}
	return 0;
}

/* A socket that is not there yet gets it when it is opened; the module must be there before that. */
void parent_listen_set_congestion(struct parent_listen_sockets *l,
				  const struct gateway_config *config)
{
	enum stream_congestion congestion = (enum stream_congestion)config->congestion;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		stream_socket_set_congestion(fd, congestion);
		close(fd);
	}
	for (unsigned i = 0; i < PARENT_LISTENERS_MAX; i++)
		for (unsigned k = 0; k < l->n[i]; k++)
			stream_socket_set_congestion(l->fds[i][k], congestion);
}

static void close_address(struct parent_listen_sockets *l, unsigned index)
{
	while (l->n[index] > 0)
		close(l->fds[index][--l->n[index]]);
}

static int open_address(struct parent_listen_sockets *l, const char *address, unsigned index,
			unsigned n)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int r = address_parse(address, DEFAULT_PORT, &addr, &len);

	while (r >= 0 && l->n[index] < n) {
		r = listener_socket((struct sockaddr *)&addr, len);
		if (r >= 0)
			l->fds[index][l->n[index]++] = r;
	}
	if (r < 0)
		close_address(l, index);
	return r < 0 ? r : 0;
}

const int *parent_listen_get(struct parent_listen_sockets *l, const struct gateway_config *config,
			     unsigned index, unsigned n, int *ret_error,
			     char ret_text[CONF_ERROR_MAX])
{
	int r = 0;

	if (index >= config->n_listen || index >= PARENT_LISTENERS_MAX || n < 1 ||
	    n > PARENT_QUEUES_MAX || (l->n[index] && l->n[index] != n)) {
		snprintf(ret_text, CONF_ERROR_MAX,
			 "there are no such sockets to listen on: address %u, %u of them", index,
			 n);
		*ret_error = -EINVAL;
		return NULL;
	}
	if (!l->n[index]) {
		r = open_address(l, config->listen[index], index, n);
		parent_listen_set_congestion(l, config);
	}
	if (r == 0)
		return l->fds[index];
	*ret_error = explain(config->listen[index], r, ret_text);
	return NULL;
}

void parent_listen_close(struct parent_listen_sockets *l)
{
	for (unsigned i = 0; i < PARENT_LISTENERS_MAX; i++)
		close_address(l, i);
}
