/* SPDX-License-Identifier: Apache-2.0 */
/* The control process in a child; the test is its data plane and its operator. */
#include "sstp/control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/token.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

enum {
	PATIENCE_MS = 20000, /* of a test that fails */
	HTTP_MAX = 4096,
};

struct scene {
	pid_t pid;
	int link; /* as the parent */
	int fd;	  /* as the data plane */
	char socket[256];
	uint8_t *payload; /* of the last message, owned */
	size_t len;
};

/* Shared with the child. */
static struct watched {
	dev_t device; /* of the folder above the state */
	ino_t inode;
	bool is_flushed;
} * watched;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	struct stat st;

	if (watched && fstat(fd, &st) == 0 && st.st_dev == watched->device &&
	    st.st_ino == watched->inode)
		watched->is_flushed = true;
	return __real_fsync(fd);
}

/* ---- the child ---- */

static void watch_above(const char *path)
{
	char above[512];
	struct stat st;

	snprintf(above, sizeof(above), "%s", path);
	*strrchr(above, '/') = '\0';
	assert_int_equal(stat(above, &st), 0);
	watched = mmap(NULL, sizeof(*watched), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_true(watched != MAP_FAILED);
	*watched = (struct watched){.device = st.st_dev, .inode = st.st_ino};
}

static bool may_certify(void *arg, const char *const *names, size_t n,
			struct certs_error *ret_error)
{
	if (n == 1 && strcmp(names[0], "vpn.example.com") == 0)
		return true;
	certs_fail(ret_error, -EACCES, "'%s' is not mine", names[0]);
	return false;
}

/* It gets a data plane, which is another one from now on. */
static void introduce(struct scene *s)
{
	struct parent_msg m = {.kind = PARENT_PEER};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&m, packet);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(msgsock_send(s->link, packet, (size_t)len, &fds[1], 1), 0);
	close(fds[1]);
	s->fd = fds[0];
}

static void scene_init(struct scene *s, const char *state)
{
	struct server_params params = {.state = state, .may_certify = may_certify};
	int fds[2];

	*s = (struct scene){.pid = 0};
	snprintf(s->socket, sizeof(s->socket), "%s.sock", scene_folder());
	params.socket = s->socket;
	assert_int_equal(msgsock_pair(fds), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		close(fds[0]);
		params.fd = fds[1];
		_exit(server_run(&params));
	}
	close(fds[1]);
	s->link = fds[0];
	introduce(s);
}

/* Returns its exit code. */
static int scene_done(struct scene *s)
{
	int status;

	close(s->fd);
	close(s->link);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	free(s->payload);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the data plane ---- */

static void must_read(int fd, void *to, size_t len)
{
	uint8_t *at = to;

	while (len) {
		ssize_t n = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_MS) == 1
				    ? read(fd, at, len)
				    : -1;

		if (n <= 0)
			fail_msg("control says nothing more");
		at += n;
		len -= (size_t)n;
	}
}

/* Whatever is under way. Closes fd. */
static void must_end(int fd)
{
	uint8_t buf[4096];
	ssize_t n = 1;

	while (n > 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_MS) == 1)
		n = read(fd, buf, sizeof(buf));
	assert_int_equal(n, 0);
	close(fd);
}

static enum msg_kind next_of_all(struct scene *s)
{
	uint8_t head[MSG_HEAD_SIZE];
	enum msg_kind kind;

	must_read(s->fd, head, sizeof(head));
	assert_true(msg_head(head, false, &kind, &s->len));
	free(s->payload);
	s->payload = malloc(s->len + 1);
	assert_non_null(s->payload);
	must_read(s->fd, s->payload, s->len);
	return kind;
}

/* Of those that are not about the site. */
static enum msg_kind next(struct scene *s)
{
	enum msg_kind kind;

	do
		kind = next_of_all(s);
	while (kind >= MSG_SITE_BEGIN);
	return kind;
}

/* Takes frame. */
static void must_send(struct scene *s, uint8_t *frame, size_t len)
{
	assert_int_equal(send(s->fd, frame, len, MSG_NOSIGNAL), len);
	msg_frame_free(frame, len);
}

/* name: NULL: none. */
static void configure(struct scene *s, const char *name)
{
	struct msg_vnet vnet = {.name = "blue",
				.spaces = {"10.1.0.0/16"},
				.n_spaces = 1,
				.pools = {"172.16.0.0/24"},
				.n_pools = 1,
				.gateway = "192.0.0.8"};
	struct msg_config m = {.names = {name},
			       .n_names = name != NULL,
			       .dial = "vpn.example.com",
			       .vnets = &vnet,
			       .n_vnets = 1};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_config_encode(&m, &frame, &len), 0);
	must_send(s, frame, len);
}

static void enrol(struct scene *s, const uint8_t *secret)
{
	char *csr = world_csr();
	struct msg_est_request m = {.id = 9,
				    .kind = MSG_EST_SIMPLEENROLL,
				    .peer = "192.0.2.9",
				    .secret = secret,
				    .body = (const uint8_t *)csr,
				    .body_len = strlen(csr)};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_est_request_encode(&m, &frame, &len), 0);
	must_send(s, frame, len);
	free(csr);
}

/* The next message is an ACCESS with so many clients; thumbprint: of the first one. */
static void expect_access(struct scene *s, size_t n_clients, char thumbprint[CERT_THUMBPRINT_MAX])
{
	struct authority_export e;

	assert_int_equal(next(s), MSG_ACCESS);
	assert_int_equal(msg_access_decode(s->payload, s->len, &e), 0);
	assert_int_equal(e.n_clients, n_clients);
	if (n_clients)
		memcpy(thumbprint, e.clients[0].thumbprint, CERT_THUMBPRINT_MAX);
	authority_export_done(&e);
}

/* ---- the operator ---- */

/* The answer, cut to fit, good until the next one. */
static const char *ask(struct scene *s, const char *method, const char *path, const char *body)
{
	static char text[HTTP_MAX];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t got = 0;
	ssize_t n;

	strcpy(addr.sun_path, s->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", method, path,
		 strlen(body));
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	if (*body)
		assert_int_equal(send(fd, body, strlen(body), MSG_NOSIGNAL), strlen(body));
	while ((n = read(fd, text + got, sizeof(text) - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = '\0';
	close(fd);
	return text;
}

/* The body of the answer, good until the next one. */
static const char *post(struct scene *s, const char *path, const char *body)
{
	const char *text = ask(s, "POST", path, body);

	assert_int_equal(strncmp(text, "HTTP/1.1 20", 11), 0);
	return strstr(text, "\r\n\r\n") + 4;
}

static void make_token(struct scene *s, uint8_t secret[TOKEN_SECRET_SIZE])
{
	const char *answer = post(s, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"blue\"}");
	const char *text = strstr(answer, "\"sstp1.");
	struct token token;

	assert_non_null(text);
	assert_int_equal(token_decode(text + 1, strcspn(text + 1, "\""), &token, NULL), 0);
	memcpy(secret, token.secret, TOKEN_SECRET_SIZE);
}

/* ---- what is tested ---- */

/* A client has enrolled, and access was told before his answer, which is the message that stands in s. */
static void init_with_client(struct scene *s, char ret_thumbprint[CERT_THUMBPRINT_MAX])
{
	uint8_t secret[TOKEN_SECRET_SIZE];

	scene_init(s, scene_folder());
	configure(s, NULL);
	expect_access(s, 0, NULL);
	make_token(s, secret);
	enrol(s, secret);
	expect_access(s, 1, ret_thumbprint);
	assert_int_equal(next(s), MSG_EST_REPLY);
}

static void who_may_come_in_is_told_before_the_applicant_has_his_answer(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct msg_est_reply reply;
	struct scene s;

	init_with_client(&s, thumbprint);
	assert_int_equal(msg_est_reply_decode(s.payload, s.len, &reply), 0);
	assert_int_equal(reply.status, 200);
	assert_true(reply.id == 9);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
}

static void site_is_told_and_a_connection_as_soon_as_there_is_a_token_for_it(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct msg_connection m;
	struct scene s;

	scene_init(&s, scene_folder());
	configure(&s, NULL);
	assert_int_equal(next_of_all(&s), MSG_SITE_BEGIN);
	assert_int_equal(next_of_all(&s), MSG_VNET_ROUTES);
	assert_int_equal(next_of_all(&s), MSG_SITE_END);
	assert_int_equal(next_of_all(&s), MSG_ACCESS);
	make_token(&s, secret);
	assert_int_equal(next_of_all(&s), MSG_CONNECTION);
	assert_int_equal(msg_connection_decode(s.payload, s.len, &m), 0);
	assert_string_equal(m.app, "shop");
	assert_int_equal(m.n_routes, 1);
	msg_connection_done(&m);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
}

/* It takes no word from it before it says what it serves, and none of the old one. */
static void data_plane_that_starts_anew_is_told_all_again(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct scene s;
	int old;

	scene_init(&s, scene_folder());
	configure(&s, "vpn.example.com");
	assert_int_equal(next(&s), MSG_SERVER_CERTIFICATE);
	expect_access(&s, 0, thumbprint);
	old = s.fd;
	introduce(&s);
	must_end(old);
	configure(&s, "vpn.example.com");
	assert_int_equal(next_of_all(&s), MSG_SITE_BEGIN);
	assert_int_equal(next(&s), MSG_SERVER_CERTIFICATE);
	expect_access(&s, 0, thumbprint);
	close(s.fd);
	introduce(&s); /* after a time without one */
	configure(&s, NULL);
	expect_access(&s, 0, thumbprint);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
}

static void what_the_operator_changes_is_told_at_once(void **state)
{
	char thumbprint[CERT_THUMBPRINT_MAX];
	char path[128];
	struct scene s;

	init_with_client(&s, thumbprint);
	snprintf(path, sizeof(path), "/v1/certificates/%s/revoke", thumbprint);
	post(&s, path, "{}");
	expect_access(&s, 0, NULL);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
}

static void certificate_is_made_for_the_operator_s_names_and_no_other(void **state)
{
	struct msg_server_certificate m;
	const char *text;
	struct scene s;

	scene_init(&s, scene_folder());
	configure(&s, "www.bank.example");
	assert_int_equal(next(&s), MSG_FAILED);
	assert_int_equal(msg_failed_decode(s.payload, s.len, &text), 0);
	assert_string_equal(text, "'www.bank.example' is not mine");
	expect_access(&s, 0, NULL); /* the rest counts */
	configure(&s, "vpn.example.com");
	assert_int_equal(next(&s), MSG_SERVER_CERTIFICATE);
	assert_int_equal(msg_server_certificate_decode(s.payload, s.len, &m), 0);
	assert_int_equal(m.n_names, 1);
	assert_string_equal(m.names[0], "vpn.example.com");
	configure(&s, "www.bank.example");
	assert_int_equal(next(&s), MSG_FAILED);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
}

static void entry_of_a_new_state_folder_is_flushed(void **state)
{
	struct scene s;

	watch_above(scene_folder());
	scene_init(&s, scene_folder());
	configure(&s, NULL);
	expect_access(&s, 0, NULL);
	assert_true(watched->is_flushed);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
	munmap(watched, sizeof(*watched));
	watched = NULL;
}

/* ---- while a site is applied ---- */

/* A site too large to be applied at once: a plan with a network and its routes. Owned. */
static char *large_site(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "{\"site\": {\"subscriptions\": [{\"name\": \"s\", \"resourceGroups\": "
		   "[{\"name\": \"g\", \"plans\": [{\"name\": \"p\", \"tier\": \"Basic\", "
		   "\"apps\": [{\"name\": \"cart\", \"vnet\": \"blue\"}], \"routes\": [");
	for (int i = 0; i < 1000; i++)
		fprintf(f,
			"%s{\"name\": \"r%d\", \"vnet\": \"blue\", \"startAddress\": "
			"\"198.18.%d.%d/30\"}",
			i ? ", " : "", i, i / 64, i % 64 * 4);
	fprintf(f, "]}]}]}]}}");
	fclose(f);
	return text;
}

static void tell_session(struct scene *s, uint64_t id)
{
	const struct msg_session_up m = {.boot = 1,
					 .id = id,
					 .since = 1,
					 .app = "",
					 .vnet = "blue",
					 .user = "u",
					 .owner = "",
					 .address6 = "",
					 .source = "192.0.2.1:5",
					 .correlation = "",
					 .thumbprint = ""};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_session_up_encode(&m, &frame, &len), 0);
	must_send(s, frame, len);
}

/* Control answers in turn: it has all that was told before. */
static void wait_until_told(struct scene *s)
{
	const struct msg_est_request m = {.id = 1, .kind = MSG_EST_CACERTS, .peer = "192.0.2.1"};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_est_request_encode(&m, &frame, &len), 0);
	must_send(s, frame, len);
	while (next_of_all(s) != MSG_EST_REPLY)
		;
}

/* The store as somebody who holds it: what control begins to write waits. */
static struct model *hold_store(void)
{
	char path[512];
	struct certs_error e;
	struct model *m;

	snprintf(path, sizeof(path), "%s/model.sqlite", scene_folder());
	assert_int_equal(model_open(path, &m, &e), 0);
	assert_int_equal(model_batch(m, &e), 0);
	return m;
}

static void wait_for_operation(struct scene *s)
{
	const char *text;

	do {
		poll(NULL, 0, 10);
		text = ask(s, "GET", "/v1/operations/1", "");
	} while (strstr(text, "\"Running\""));
	assert_non_null(strstr(text, "\"Succeeded\""));
}

static void control_answers_and_listens_while_a_large_site_is_applied(void **state)
{
	static const char plan[] =
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/q";
	char *site = large_site();
	struct msg_connection m;
	struct model *holder;
	struct scene s;

	scene_init(&s, scene_folder());
	configure(&s, NULL);
	wait_until_told(&s);
	holder = hold_store();
	assert_non_null(strstr(ask(&s, "POST", "/v1/apply", site), "\"Running\""));
	tell_session(&s, 1);
	wait_until_told(&s);
	assert_non_null(strstr(ask(&s, "GET", "/v1/sessions", ""), "{\"value\":[]}"));
	assert_non_null(strstr(ask(&s, "GET", "/v1/operations/1", ""), "\"Running\""));
	assert_non_null(strstr(ask(&s, "PUT", plan, "{\"sku\": {\"tier\": \"Basic\"}}"),
			       "A site is being applied"));
	configure(&s, NULL); /* a reload: its networks are taken behind it */
	model_close(holder);
	wait_for_operation(&s);
	assert_non_null(strstr(ask(&s, "GET", "/v1/sessions", ""), "SSTP_0000000000000001-1"));
	while (next_of_all(&s) != MSG_CONNECTION)
		;
	assert_int_equal(msg_connection_decode(s.payload, s.len, &m), 0);
	assert_string_equal(m.app, "cart");
	msg_connection_done(&m);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
	free(site);
}

/* It has changed nothing, or all; and leaves its sessions' end behind. */
static void control_that_ends_while_a_large_site_is_applied_takes_it_back(void **state)
{
	char *site = large_site();
	struct model *holder;
	struct scene s;

	scene_init(&s, scene_folder());
	configure(&s, NULL);
	wait_until_told(&s);
	holder = hold_store();
	assert_non_null(strstr(ask(&s, "POST", "/v1/apply", site), "\"Running\""));
	close(s.link);
	model_close(holder);
	s.link = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(scene_done(&s), EXIT_SUCCESS);
	free(site);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(who_may_come_in_is_told_before_the_applicant_has_his_answer),
		TEST(site_is_told_and_a_connection_as_soon_as_there_is_a_token_for_it),
		TEST(data_plane_that_starts_anew_is_told_all_again),
		TEST(what_the_operator_changes_is_told_at_once),
		TEST(certificate_is_made_for_the_operator_s_names_and_no_other),
		TEST(entry_of_a_new_state_folder_is_flushed),
		TEST(control_answers_and_listens_while_a_large_site_is_applied),
		TEST(control_that_ends_while_a_large_site_is_applied_takes_it_back),
	};

	return cmocka_run_group_tests_name("control/server", tests, NULL, scene_tear_down);
}
