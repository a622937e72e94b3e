/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control process with its socket, and nothing behind it: cli_gateway STATE SOCKET. It is told what a
 * data plane would tell it, by lines on standard input; each is answered with "ok".
 *
 *   networks NAME...     the VNets that gateway.yaml has
 *   strict NAME...       the same, and Linux apps and containers are refused
 *
 * At the end of the input it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/control/msg.h"
#include "sstp/control/server.h"

enum {
	NETWORKS_MAX = 8,
	LINE_MAX_BYTES = 4096,
};

static void check(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	perror(what);
	exit(1);
}

static bool may_certify(void *arg, const char *const *names, size_t n, struct certs_error *e)
{
	return true;
}

/* Takes frame. */
static void send_frame(int fd, uint8_t *frame, size_t len)
{
	check(send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len, "send");
	msg_frame_free(frame, len);
}

static void tell_config(int fd, char *names, bool is_strict)
{
	struct msg_vnet *vnets = calloc(NETWORKS_MAX, sizeof(*vnets));
	struct msg_config config = {.names = {"gw.test"},
				    .n_names = 1,
				    .dial = "gw.test",
				    .vnets = vnets,
				    .is_strict = is_strict};
	char spaces[NETWORKS_MAX][32], pools[NETWORKS_MAX][32];
	uint8_t *frame;
	size_t len;

	for (char *name = strtok(names, " \n"); name && config.n_vnets < NETWORKS_MAX;
	     name = strtok(NULL, " \n")) {
		size_t i = config.n_vnets++;

		snprintf(spaces[i], sizeof(spaces[i]), "10.%zu.0.0/16", 100 + i);
		snprintf(pools[i], sizeof(pools[i]), "172.30.%zu.0/24", i);
		vnets[i] = (struct msg_vnet){.name = name,
					     .spaces = {spaces[i]},
					     .n_spaces = 1,
					     .pools = {pools[i]},
					     .n_pools = 1,
					     .dns = {"10.100.0.4"},
					     .n_dns = 1,
					     .gateway = "192.0.0.8"};
	}
	check(msg_config_encode(&config, &frame, &len) == 0, "CONFIG");
	send_frame(fd, frame, len);
	free(vnets);
}

/* False: there is no such line. */
static bool obey(int fd, char *line)
{
	if (!strncmp(line, "networks", strlen("networks")))
		tell_config(fd, line + strlen("networks"), false);
	else if (!strncmp(line, "strict", strlen("strict")))
		tell_config(fd, line + strlen("strict"), true);
	else
		return false;
	return true;
}

/* What control says is of no interest here; but it must not wait to be read. */
static pid_t swallow(int fd)
{
	char buf[64 * 1024];
	pid_t pid = fork();

	check(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_BYTES];
	int fds[2], status = 1;
	pid_t pid, reader;

	check(argc == 3, "usage: cli_gateway STATE SOCKET");
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
	pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0) {
		const struct server_params params = {.fd = fds[1],
						     .state = argv[1],
						     .socket = argv[2],
						     .may_certify = may_certify};

		close(fds[0]);
		fclose(stdin);
		_exit(server_run(&params));
	}
	close(fds[1]);
	reader = swallow(fds[0]);
	while (fgets(line, sizeof(line), stdin)) {
		check(obey(fds[0], line), line);
		puts("ok");
		fflush(stdout);
	}
	shutdown(fds[0], SHUT_RDWR);
	waitpid(pid, &status, 0);
	waitpid(reader, NULL, 0);
	return status ? 1 : 0;
}
