/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, paths and what is asked, against a server of one connection at a time that notes what it got. */
#include "tools/sstpctl/request.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "tools/sstpctl/body.h"
#include "tools/sstpctl/client.h"
#include "tools/sstpctl/verbs.h"

enum {
	GOT_MAX = 4096,
	ANSWERS_MAX = 5,
};

/* ---- the server ---- */

static struct {
	int fd;
	pthread_t thread;
	char path[64];
	const char *answers[ANSWERS_MAX]; /* "200 {}", one for each request */
	char got[GOT_MAX];		  /* "GET /path body\n" of each */
} server;

static size_t body_len(const char *head)
{
	const char *at = strcasestr(head, "content-length:");

	return at ? strtoul(at + strlen("content-length:"), NULL, 10) : 0;
}

/* One request, whole. False: the client has gone. */
static bool read_request(int fd, char *buf, size_t size)
{
	size_t len = 0;
	char *end = NULL;

	buf[0] = '\0';
	while (!end || len < (size_t)(end + 4 - buf) + body_len(buf)) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
	}
	return true;
}

static void note(const char *request)
{
	size_t len = strlen(server.got);
	const char *tag = strstr(request, "If-Match: ");

	snprintf(server.got + len, GOT_MAX - len, "%.*s%s%s%.*s\n",
		 (int)(strstr(request, " HTTP/") - request), request,
		 strstr(request, "\r\n\r\n")[4] ? " " : "", strstr(request, "\r\n\r\n") + 4,
		 tag ? (int)strcspn(tag, "\r") : 0, tag ? tag : "");
}

static void answer(int fd, const char *text)
{
	const char *json = text + 4;

	dprintf(fd,
		"HTTP/1.1 %.3s X\r\nContent-Length: %zu\r\nLocation: /v1/operations/7\r\n\r\n%s",
		text, strlen(json), json);
}

static void *serve(void *arg)
{
	char request[GOT_MAX];
	size_t i = 0;

	while (i < ANSWERS_MAX && server.answers[i]) {
		int fd = accept(server.fd, NULL, NULL);

		while (i < ANSWERS_MAX && server.answers[i] &&
		       read_request(fd, request, sizeof(request))) {
			note(request);
			answer(fd, server.answers[i++]);
		}
		close(fd);
	}
	return NULL;
}

static void start(const char *const answers[ANSWERS_MAX])
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(server.answers, answers, sizeof(server.answers));
	server.got[0] = '\0';
	snprintf(server.path, sizeof(server.path), "/tmp/test-request-%d.sock", (int)getpid());
	strcpy(addr.sun_path, server.path);
	unlink(server.path);
	server.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(server.fd, 4), 0);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void stop(void)
{
	pthread_join(server.thread, NULL);
	close(server.fd);
	unlink(server.path);
}

/* ---- calls ---- */

static struct client *client;

static int run_aloud(const char *text)
{
	char line[256], *argv[24] = {(char *)"sstpctl", (char *)"--socket", server.path};
	int argc = 3, code;
	struct call c;
	char *next = line, *word;

	snprintf(line, sizeof(line), "%s", text);
	while ((word = strsep(&next, " ")))
		argv[argc++] = word;
	client = NULL;
	code = call_parse(&verbs_table, argc, argv, &c);
	if (code >= 0)
		return code;
	c.client = &client;
	code = c.verb->run ? c.verb->run(&c) : request_run(&c);
	client_free(client);
	return code;
}

/* What it says is the golden files' to check. */
static int run(const char *text)
{
	int null = open("/dev/null", O_WRONLY), out = dup(1), err = dup(2), code;

	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	code = run_aloud(text);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(null);
	close(out);
	close(err);
	return code;
}

#define ASKS(text, code, expected, ...)                                     \
	do {                                                                \
		start((const char *const[ANSWERS_MAX]){__VA_ARGS__, NULL}); \
		assert_int_equal(run(text), code);                          \
		stop();                                                     \
		assert_string_equal(server.got, expected);                  \
	} while (0)

#define DEFAULT "/subscriptions/default/resourceGroups/default/providers/"
#define PLAN	DEFAULT "Microsoft.Web/serverfarms/p"
#define NONE	"404 {\"error\": {\"message\": \"none\"}}"

static void body_is_made_of_what_is_said(void **state)
{
	ASKS("plan create p --tier Basic --platform linux --auto-sync off --location there", 0,
	     "GET " PLAN "\nPUT " PLAN " {\"sku\":{\"tier\":\"Basic\"},\"properties\":"
	     "{\"reserved\":true,\"autoSync\":false},\"location\":\"there\"}\n",
	     NONE, "200 {}");
	ASKS("vnet create v -g g --subscription s --address-spaces 10.1.0.0/16,10.2.0.0/16 --dns ",
	     0,
	     "GET /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v\n"
	     "PUT /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v "
	     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.1.0.0/16\","
	     "\"10.2.0.0/16\"]},\"dhcpOptions\":{\"dnsServers\":[]}}}\n",
	     NONE, "200 {}");
	ASKS("gateway set v -g g --subscription s --bgp on --asn 4294967295 --bgp-filters "
	     "permit,deny",
	     0,
	     "PATCH /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
	     "/virtualNetworkGateways/primary {\"properties\":{\"enableBgp\":true,"
	     "\"bgpSettings\":{\"asn\":4294967295},\"bgpFilters\":[{\"action\":\"permit\","
	     "\"prefix\":\"\"},{\"action\":\"deny\",\"prefix\":\"\"}]}}\n",
	     "200 {}");
	ASKS("token create --app a --vnet v --lifetime 15m", 0,
	     "POST /v1/tokens {\"app\":\"a\",\"vnet\":\"v\",\"lifetime\":900}\n",
	     "201 {\"token\": \"t\"}");
}

static void wrong_words_are_refused_before_anything_is_asked(void **state)
{
	server.path[0] = '\0';
	assert_int_equal(run("plan create p --tier Basic --platform mac"), EXIT_USAGE);
	assert_int_equal(run("token create --app a --vnet v --lifetime soon"), EXIT_USAGE);
	assert_int_equal(run("root import /none --name a --vnet v"), EXIT_USAGE);
	assert_int_equal(run("plan set a/b --tier Basic"), EXIT_USAGE);
	assert_int_equal(run("plan set p -g g --subscription s"), EXIT_USAGE);
	assert_int_equal(run("plan set p -g g --subscription s --auto-sync maybe"), EXIT_USAGE);
	assert_int_equal(run("session disconnect"), EXIT_USAGE);
	assert_int_equal(run("session disconnect x --all"), EXIT_USAGE);
	assert_int_equal(run("plan list --server http://localhost"), EXIT_USAGE);
	assert_int_equal(run("plan list --server https://localhost --token-file /none"),
			 EXIT_USAGE);
	assert_int_equal(run("plan list"), EXIT_UNREACHABLE);
}

static void what_is_there_already_is_not_created(void **state)
{
	ASKS("plan create p --tier Basic", EXIT_REFUSED, "GET " PLAN "\n", "200 {}");
}

static void name_that_is_elsewhere_is_looked_for(void **state)
{
	ASKS("plan delete p", 0,
	     "GET " PLAN "\nGET /subscriptions\n"
	     "GET /subscriptions/s/providers/Microsoft.Web/serverfarms\n"
	     "DELETE /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/P\n",
	     NONE, "200 {\"value\": [{\"subscriptionId\": \"s\"}]}",
	     "200 {\"value\": [{\"name\": \"P\", \"id\": "
	     "\"/subscriptions/s/resourceGroups/g/providers/"
	     "Microsoft.Web/serverfarms/P\"}, {\"name\": \"q\", \"id\": \"/q\"}]}",
	     "200 {}");
	ASKS("plan delete p", EXIT_USAGE,
	     "GET " PLAN "\nGET /subscriptions\n"
	     "GET /subscriptions/s/providers/Microsoft.Web/serverfarms\n",
	     NONE, "200 {\"value\": [{\"subscriptionId\": \"s\"}]}",
	     "200 {\"value\": [{\"name\": \"p\", \"id\": \"/p1\"}, {\"name\": \"p\", \"id\": "
	     "\"/p2\"}]}");
}

static void names_are_escaped_and_options_of_a_list_are_its_query(void **state)
{
	ASKS("token drop a?b%#", 0, "DELETE /v1/tokens/a%3Fb%25%23\n", "200 {}");
	ASKS("session list --app a&b --ended", 0, "GET /v1/sessions?app=a%26b&ended=true\n",
	     "200 {\"value\": []}");
	ASKS("cert list", 0, "GET /v1/certificates\n", "200 {\"value\": []}");
}

static void version_goes_into_if_match(void **state)
{
	ASKS("plan delete p -g default --subscription default --if-match \"3\"", 0,
	     "DELETE " PLAN "If-Match: \"3\"\n", "200 {}");
}

static void operation_that_takes_long_is_waited_for(void **state)
{
	ASKS("root rotate", 0,
	     "POST /v1/roots/rotate\nGET /v1/operations/7\nGET /v1/operations/7\n",
	     "202 {\"status\": \"Running\", \"done\": 0, \"total\": 2}",
	     "200 {\"status\": \"Running\", \"done\": 1, \"total\": 2}",
	     "200 {\"status\": \"Succeeded\", \"result\": {\"thumbprint\": \"T\"}}");
	ASKS("root rotate", EXIT_REFUSED, "POST /v1/roots/rotate\nGET /v1/operations/7\n",
	     "202 {\"status\": \"Running\"}",
	     "200 {\"status\": \"Failed\", \"result\": null, \"error\": {\"code\": \"Conflict\", "
	     "\"message\": \"no\"}}");
	ASKS("root rotate", EXIT_UNREACHABLE, "POST /v1/roots/rotate\nGET /v1/operations/7\n",
	     "202 {\"status\": \"Running\"}",
	     "404 {\"error\": {\"code\": \"NotFound\", \"message\": \"no\"}}");
}

static void answers_that_are_none_are_refused(void **state)
{
	ASKS("cert list", EXIT_REFUSED, "GET /v1/certificates\n", "200 {}");
	ASKS("cert list", EXIT_REFUSED, "GET /v1/certificates\n", "200 []");
	ASKS("cert list", EXIT_REFUSED, "GET /v1/certificates\n", "200 <html>");
	ASKS("cert list", EXIT_REFUSED, "GET /v1/certificates\n", "401 {}");
	ASKS("root rotate", EXIT_REFUSED, "POST /v1/roots/rotate\n", "500 {}");
	ASKS("apply --file /dev/null", EXIT_USAGE, "", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_is_made_of_what_is_said),
		cmocka_unit_test(wrong_words_are_refused_before_anything_is_asked),
		cmocka_unit_test(what_is_there_already_is_not_created),
		cmocka_unit_test(name_that_is_elsewhere_is_looked_for),
		cmocka_unit_test(names_are_escaped_and_options_of_a_list_are_its_query),
		cmocka_unit_test(version_goes_into_if_match),
		cmocka_unit_test(operation_that_takes_long_is_waited_for),
		cmocka_unit_test(answers_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/request", tests, NULL, NULL);
}
