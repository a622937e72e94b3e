/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "tun/tun.h"

enum {
	ARGS_MAX = 2100
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fclose(f);
}

static int enter_folder(void **state)
{
	char folder[] = "/tmp/test-worker-XXXXXX";

	*state = mkdtemp(folder) ? strdup(folder) : NULL;
	if (!*state || chdir(*state) < 0 || mkdir("d", 0700) < 0)
		return -1;
	write_file("pw", "wonderland\n");
	write_file("ca", "-----BEGIN CERTIFICATE-----\n");
	write_file("d/pw", "other\n");
	write_file("f", "gateway: file.example.com:444\n"
			"user: bob\n"
			"password_file: d/pw\n"
			"netns: file\n"
			"routes: [10.1.0.0/16, 10.2.0.0/16]\n"
			"tun: file0\n"
			"mtu: 1300\n"
			"connect_timeout: 9\n"
			"vnet_name: file\n"
			"congestion: cubic\n"
			"offload: {tcp_read: false, udp_merge: true}\n"
			"log: {level: error, target: journal}\n");
	return 0;
}

static int leave_folder(void **state)
{
	int r = unlink("pw") | unlink("ca") | unlink("d/pw") | rmdir("d") | unlink("f") |
		chdir("/") | rmdir(*state);

	free(*state);
	return r;
}

static int parse(const char *const *words, struct worker_config **config, struct conf_error *error,
		 int *code)
{
	static char *argv[ARGS_MAX + 2];
	int argc = 1;

	argv[0] = (char *)"sstp-worker";
	while (argc <= ARGS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	argv[argc] = NULL;
	return worker_config_parse(argc, argv, config, error, code);
}

static struct worker_config *take(const char *const *words)
{
	struct worker_config *config = NULL;
	struct conf_error error = {""};
	int code = -1;

	parse(words, &config, &error, &code);
	assert_string_equal(error.text, "");
	assert_int_equal(code, -1);
	return config;
}

#define TAKE(...)     take((const char *const[]){__VA_ARGS__, NULL})
#define WHO_AND_WHERE "--gateway", "g", "--user", "u", "--password-file", "pw"

static void expect_error(const char *text, const char *const *words)
{
	struct worker_config *config = NULL;
	struct conf_error error = {""};
	int code = -1;

	assert_int_equal(parse(words, &config, &error, &code), -EINVAL);
	assert_string_equal(error.text, text);
	assert_int_equal(code, WORKER_EXIT_USAGE);
	assert_null(config);
}

#define EXPECT_ERROR(_text, ...) expect_error(_text, (const char *const[]){__VA_ARGS__, NULL})

static void expect_server(const struct prefix *server, const char *text)
{
	char buf[PREFIX_TEXT_MAX];

	assert_string_equal(prefix_format_address(server, buf), text);
}

static void defaults_stand_where_nothing_is_given(void **state)
{
	struct worker_config *c = TAKE(WHO_AND_WHERE, "--", "app");

	assert_string_equal(c->gateway_host, "g");
	assert_int_equal(c->gateway_port, 443);
	assert_string_equal(c->user, "u");
	assert_int_equal(c->password.len, 10);
	assert_memory_equal(c->password.data, "wonderland", 10);
	assert_null(c->ca);
	assert_null(c->vnet_name);
	assert_int_equal(c->netns_mode, WORKER_NETNS_OWN);
	assert_null(c->netns);
	assert_int_equal(c->n_routes, 0);
	assert_int_equal(c->pap, false);
	assert_string_equal(c->tun, "vnet0");
	assert_int_equal(c->mtu, 1400);
	assert_int_equal(c->connect_timeout_s, 0);
	assert_int_equal(c->congestion, CONF_CONGESTION_AUTO);
	assert_int_equal(c->offload, TUN_OFFLOAD_ALL);
	assert_int_equal(c->log.level, LOG_LEVEL_INFO);
	assert_int_equal(c->log.target, LOG_TARGET_STDERR);
	assert_int_equal(c->n_dns, 0);
	assert_int_equal(c->dns_alt.family, 0);
	assert_int_equal(c->restart_app, WORKER_RESTART_NEVER);
	assert_null(c->on_event);
	assert_false(c->own_routes || c->own_vnet_name);
	worker_config_free(c);
}

static void every_option_is_taken(void **state)
{
	struct worker_config *c = TAKE(
		"--gateway=[2001:db8::1]:8443", "--user", "u", "--password-file", "pw", "--ca",
		"ca", "--pap", "--vnet-name", "lab", "--route", "10.20.0.0/16", "-r", "10.30.0.1",
		"--netns", "n1", "--tun", "t7", "--mtu", "1280", "--connect-timeout", "60",
		"--congestion", "bbr", "--no-offload", "tcp-read,udp-merge,io-uring", "--log-level",
		"debug", "--log-target", "journal", "--dns-server", "10.20.0.4,10.20.0.5",
		"--dns-alt-server", "192.0.2.53", "--restart-app", "on-address-change",
		"--on-event", "logger $SSTP_EVENT");
	char text[PREFIX_TEXT_MAX];

	assert_string_equal(c->gateway_host, "2001:db8::1");
	assert_int_equal(c->gateway_port, 8443);
	assert_string_equal(c->ca, "ca");
	assert_int_equal(c->pap, true);
	assert_string_equal(c->vnet_name, "lab");
	assert_int_equal(c->n_routes, 2);
	assert_string_equal(prefix_format(&c->routes[1], text), "10.30.0.1/32");
	assert_int_equal(c->netns_mode, WORKER_NETNS_NAMED);
	assert_string_equal(c->netns, "n1");
	assert_string_equal(c->tun, "t7");
	assert_int_equal(c->mtu, 1280);
	assert_int_equal(c->connect_timeout_s, 60);
	assert_int_equal(c->congestion, CONF_CONGESTION_BBR);
	assert_int_equal(c->offload, TUN_OFFLOAD_USO_READ | TUN_OFFLOAD_TCP_MERGE);
	assert_int_equal(c->log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->log.target, LOG_TARGET_JOURNAL);
	assert_int_equal(c->n_dns, 2);
	expect_server(&c->dns[1], "10.20.0.5");
	expect_server(&c->dns_alt, "192.0.2.53");
	assert_int_equal(c->restart_app, WORKER_RESTART_ON_ADDRESS_CHANGE);
	assert_string_equal(c->on_event, "logger $SSTP_EVENT");
	assert_true(c->own_routes && c->own_vnet_name);
	assert_null(c->app);
	worker_config_free(c);
}

static void file_gives_what_the_command_line_does_not(void **state)
{
	struct worker_config *c = TAKE("--config", "f", "--user", "u");

	assert_string_equal(c->gateway_host, "file.example.com");
	assert_int_equal(c->gateway_port, 444);
	assert_string_equal(c->user, "u");
	assert_string_equal(c->password_file, "d/pw");
	assert_int_equal(c->password.len, 5);
	assert_string_equal(c->netns, "file");
	assert_int_equal(c->n_routes, 2);
	assert_int_equal(c->connect_timeout_s, 9);
	assert_int_equal(c->congestion, CONF_CONGESTION_CUBIC);
	assert_int_equal(c->offload, TUN_OFFLOAD_ALL & ~TUN_OFFLOAD_TSO_READ);
	worker_config_free(c);
}

static void command_line_wins_over_the_file(void **state)
{
	struct worker_config *c =
		TAKE("-c", "f", WHO_AND_WHERE, "--route", "10.9.0.0/16", "--current-netns", "--tun",
		     "t", "--mtu", "1200", "--connect-timeout", "0", "--vnet-name", "v",
		     "--congestion", "auto", "--no-offload", "udp-read", "--no-offload",
		     "udp-merge", "--log-level", "debug");
	char text[PREFIX_TEXT_MAX];

	assert_string_equal(c->gateway_host, "g");
	assert_int_equal(c->gateway_port, 443);
	assert_string_equal(c->password_file, "pw");
	assert_int_equal(c->n_routes, 1);
	assert_string_equal(prefix_format(&c->routes[0], text), "10.9.0.0/16");
	assert_int_equal(c->netns_mode, WORKER_NETNS_CURRENT);
	assert_null(c->netns);
	assert_string_equal(c->tun, "t");
	assert_int_equal(c->mtu, 1200);
	assert_int_equal(c->connect_timeout_s, 0);
	assert_string_equal(c->vnet_name, "v");
	assert_int_equal(c->congestion, CONF_CONGESTION_AUTO);
	/* tcp_read is off in the file */
	assert_int_equal(c->offload, TUN_OFFLOAD_TCP_MERGE | TUN_OFFLOAD_IO_URING);
	assert_int_equal(c->log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->log.target, LOG_TARGET_JOURNAL);
	worker_config_free(c);
}

static void password_file_option_wins_over_a_password_in_the_file(void **state)
{
	struct worker_config *c;

	write_file("f", "password: inline\n");
	c = TAKE("--config", "f", WHO_AND_WHERE, "app");
	assert_memory_equal(c->password.data, "wonderland", 10);
	worker_config_free(c);
	c = TAKE("--config", "f", "--gateway", "g", "--user", "u", "app");
	assert_int_equal(c->password.len, 6);
	assert_memory_equal(c->password.data, "inline", 6);
	assert_null(c->password_file);
	worker_config_free(c);
}

static void app_begins_behind_the_options(void **state)
{
	struct worker_config *c = TAKE(WHO_AND_WHERE, "--", "app", "--mtu", "x");

	assert_string_equal(c->app[0], "app");
	assert_string_equal(c->app[1], "--mtu");
	assert_string_equal(c->app[2], "x");
	assert_null(c->app[3]);
	worker_config_free(c);
	c = TAKE(WHO_AND_WHERE, "app", "--", "--help");
	assert_string_equal(c->app[0], "app");
	assert_string_equal(c->app[1], "--");
	worker_config_free(c);
}

static void own_namespace_needs_an_app(void **state)
{
	struct worker_config *c;

	EXPECT_ERROR("a network namespace of its own needs an APP to run in it; see --help",
		     WHO_AND_WHERE);
	c = TAKE(WHO_AND_WHERE, "--current-netns");
	assert_null(c->app);
	worker_config_free(c);
}

static void errors_on_the_command_line_name_the_option(void **state)
{
	EXPECT_ERROR(
		"no gateway is given: use --profile, --gateway, or 'gateway' in a --config file",
		"app");
	EXPECT_ERROR("--gateway must be HOST or HOST:PORT, such as vpn.example.com:443, not 'a b'",
		     "-g", "a b");
	EXPECT_ERROR("--user must not be empty", "--user", "");
	EXPECT_ERROR("--password-file none cannot be read: No such file or directory", "-g", "g",
		     "-u", "u", "-p", "none");
	EXPECT_ERROR("--ca pw holds no PEM block '-----BEGIN ... CERTIFICATE-----'", WHO_AND_WHERE,
		     "--ca", "pw");
	EXPECT_ERROR("--route has bits set behind its length: write 10.20.0.0/16", WHO_AND_WHERE,
		     "-r", "10.20.1.0/16");
	EXPECT_ERROR("--route 10.20.0.0/16 is there twice", WHO_AND_WHERE, "-r", "10.20.0.0/16",
		     "-r", "10.20.0.0/16");
	EXPECT_ERROR("--route must be a prefix, such as 10.1.0.0/16, not 'fd20::/129'",
		     WHO_AND_WHERE, "-r", "fd20::/129");
	EXPECT_ERROR("only one of --netns, --own-netns and --current-netns can be given",
		     WHO_AND_WHERE, "--netns", "a", "--own-netns");
	EXPECT_ERROR("--netns must be 1..255 letters, digits, '.', '_' and '-'", WHO_AND_WHERE,
		     "--netns", "a/b");
	EXPECT_ERROR("--tun must be 1..15 letters, digits, '.', '_' and '-'", WHO_AND_WHERE,
		     "--tun", "sixteen-letters-");
	EXPECT_ERROR("--mtu must be a whole number 576..4083, not '575'", "--mtu", "575");
	EXPECT_ERROR("--congestion must be one of: auto, cubic, bbr; not 'reno'", "--congestion",
		     "reno");
	EXPECT_ERROR("--no-offload must be 'all', or of tcp-read, udp-read, tcp-merge, udp-merge, "
		     "io-uring, "
		     "with commas between; not 'tso'",
		     "--no-offload", "tcp-read,tso");
	EXPECT_ERROR("--dns-server must be one or two addresses, such as 10.20.0.4,10.20.0.5, "
		     "not 'ns1'",
		     WHO_AND_WHERE, "--dns-server", "10.20.0.4,ns1");
	EXPECT_ERROR("--dns-server holds more than two addresses", WHO_AND_WHERE, "--dns-server",
		     "10.20.0.4,10.20.0.5,10.20.0.6");
	EXPECT_ERROR("--dns-alt-server must be an address, not 'ns1'", WHO_AND_WHERE,
		     "--dns-alt-server", "ns1");
	EXPECT_ERROR("--restart-app must be one of: never, on-address-change, always; not 'x'",
		     "--restart-app", "x");
	EXPECT_ERROR("--log-target must be one of: stderr, journal; not 'x'", "--log-target", "x");
	EXPECT_ERROR("there is no option --gatewya; see --help", "--gatewya", "g");
	EXPECT_ERROR("option --gateway needs a value; see --help", "--gateway");
}

/* As an app's settings are given to a container; an option is nearer. */
static void name_servers_come_from_the_environment_too(void **state)
{
	struct worker_config *c;

	setenv("WEBSITE_DNS_SERVER", "10.20.0.6", 1);
	setenv("WEBSITE_DNS_ALT_SERVER", "192.0.2.54", 1);
	c = TAKE(WHO_AND_WHERE, "--", "app");
	assert_int_equal(c->n_dns, 1);
	expect_server(&c->dns[0], "10.20.0.6");
	expect_server(&c->dns_alt, "192.0.2.54");
	worker_config_free(c);
	c = TAKE(WHO_AND_WHERE, "--dns-server", "10.20.0.7", "--", "app");
	expect_server(&c->dns[0], "10.20.0.7");
	worker_config_free(c);
	setenv("WEBSITE_DNS_SERVER", "x", 1);
	EXPECT_ERROR("WEBSITE_DNS_SERVER must be one or two addresses, such as "
		     "10.20.0.4,10.20.0.5, not 'x'",
		     WHO_AND_WHERE, "--", "app");
	/* an app of another worker: they are its network's */
	setenv("WEBSITE_PRIVATE_IP", "172.16.77.9", 1);
	c = TAKE(WHO_AND_WHERE, "--", "app");
	assert_int_equal(c->n_dns, 0);
	assert_int_equal(c->dns_alt.family, 0);
	worker_config_free(c);
	unsetenv("WEBSITE_PRIVATE_IP");
	setenv("WEBSITE_DNS_SERVER", "", 1);
	c = TAKE(WHO_AND_WHERE, "--", "app");
	assert_int_equal(c->n_dns, 0);
	worker_config_free(c);
	unsetenv("WEBSITE_DNS_SERVER");
	unsetenv("WEBSITE_DNS_ALT_SERVER");
}

static void errors_in_the_file_name_its_line(void **state)
{
	write_file("f", "gateway: g\nuser: u\npassword_file: pw\nroutes:\n  - 10.0.0.0/8\n  - x\n");
	EXPECT_ERROR("f:6: 'routes[1]' must be a prefix, such as 10.1.0.0/16, not 'x'", "--config",
		     "f", "app");
}

static void missing_file_is_told_apart(void **state)
{
	struct worker_config *config = NULL;
	struct conf_error error;
	int code = -1;
	int r = parse((const char *const[]){"--config", "none", NULL}, &config, &error, &code);

	assert_int_equal(r, -ENOENT);
	assert_int_equal(code, WORKER_EXIT_USAGE);
	assert_string_equal(error.text, "none: cannot be read: No such file or directory");
}

static void too_many_routes_are_refused(void **state)
{
	const char *words[ARGS_MAX] = {WHO_AND_WHERE};
	static char texts[WORKER_ROUTES_MAX + 1][24];
	struct worker_config *c;
	size_t n = 6;

	for (int i = 0; i <= WORKER_ROUTES_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.%d.%d.0/24", i / 256, i % 256);
		words[n++] = "-r";
		words[n++] = texts[i];
	}
	words[n++] = "app";
	expect_error("--route can be given at most 1024 times", words);
	words[n - 3] = "--user";
	words[n - 2] = "u";
	c = take(words);
	assert_int_equal(c->n_routes, WORKER_ROUTES_MAX);
	worker_config_free(c);
}

static void nothing_can_be_freed(void **state)
{
	worker_config_free(NULL);
}

#define in_folder(_test) cmocka_unit_test_setup_teardown(_test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(defaults_stand_where_nothing_is_given),
		in_folder(every_option_is_taken),
		in_folder(file_gives_what_the_command_line_does_not),
		in_folder(command_line_wins_over_the_file),
		in_folder(password_file_option_wins_over_a_password_in_the_file),
		in_folder(app_begins_behind_the_options),
		in_folder(own_namespace_needs_an_app),
		in_folder(errors_on_the_command_line_name_the_option),
		in_folder(name_servers_come_from_the_environment_too),
		in_folder(errors_in_the_file_name_its_line),
		in_folder(missing_file_is_told_apart),
		in_folder(too_many_routes_are_refused),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests_name("worker/config", tests, NULL, NULL);
}
