/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "tun/tun.h"

#define FILES "certificate: c.pem\nkey: k.pem\n"
#define VNET_LAB                                                                                   \
	"  - {name: lab, address_spaces: [10.20.0.0/16], pools: [172.16.77.0/24], tun: lab, mtu: " \
	"1300}\n"
#define VNET_TWO "  - {name: two, address_spaces: [10.21.0.0/16], pools: [172.16.78.0/24]}\n"

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	fclose(f);
}

static int enter_folder(void **state)
{
	char folder[] = "/tmp/test-config-XXXXXX";

	*state = mkdtemp(folder) ? strdup(folder) : NULL;
	if (!*state || chdir(*state) < 0)
		return -1;
	write_file("c.pem", "-----BEGIN CERTIFICATE-----\n", 0644);
	write_file("k.pem", "-----BEGIN PRIVATE KEY-----\n", 0600);
	return 0;
}

static int leave_folder(void **state)
{
	int r = unlink("c.pem") | unlink("k.pem") | unlink("f") | chdir("/") | rmdir(*state);

	free(*state);
	return r;
}

static struct gateway_config *load(const char *yaml)
{
	struct gateway_config *config = NULL;
	struct conf_error error = {""};

	write_file("f", yaml, 0600);
	gateway_config_load("f", &config, &error);
	assert_string_equal(error.text, "");
	return config;
}

static void values_are_resolved(void **state)
{
	struct gateway_config *c = load(FILES "vnets:\n"
					      "  - name: lab\n"
					      "    address_spaces: [10.20.0.0/16]\n"
					      "    pools: [172.16.77.0/24, 192.168.1.1]\n"
					      "    dns_servers: [10.20.0.4]\n"
					      "    gateway_address: 10.20.0.1\n" VNET_TWO);
	const struct gateway_vnet *v = &c->vnets[0];
	char text[PREFIX_TEXT_MAX];

	assert_string_equal(c->path, "f");
	assert_int_equal(c->n_vnets, 2);
	assert_int_equal(v->n_pools, 2);
	assert_string_equal(prefix_format(&v->pools[1], text), "192.168.1.1/32");
	assert_int_equal(v->dns_be[0], inet_addr("10.20.0.4"));
	assert_int_equal(v->dns_be[1], 0);
	assert_int_equal(v->gateway_be, inet_addr("10.20.0.1"));
	assert_int_equal(c->vnets[1].gateway_be, inet_addr("192.0.0.8"));
	assert_string_equal(c->vnets[1].tun, "sstp1");
	assert_null(v->netns);
	gateway_config_free(c);
}

static void switches_have_defaults_and_are_resolved(void **state)
{
	struct gateway_config *c = load(FILES "vnets:\n" VNET_LAB);

	assert_int_equal(c->threads, 0);
	assert_int_equal(c->congestion, CONF_CONGESTION_AUTO);
	assert_int_equal(c->offload, TUN_OFFLOAD_ALL);
	gateway_config_free(c);
	c = load(FILES "threads: 3\ncongestion: bbr\n"
		       "offload: {udp_read: false, tcp_merge: true, udp_merge: false, "
		       "io_uring: false}\n"
		       "vnets:\n" VNET_LAB);
	assert_int_equal(c->threads, 3);
	assert_int_equal(c->congestion, CONF_CONGESTION_BBR);
	assert_int_equal(c->offload, TUN_OFFLOAD_TSO_READ | TUN_OFFLOAD_TCP_MERGE);
	gateway_config_free(c);
	c = load(FILES "threads: auto\ncongestion: auto\noffload: {}\nvnets:\n" VNET_LAB);
	assert_int_equal(c->threads, 0);
	assert_int_equal(c->congestion, CONF_CONGESTION_AUTO);
	assert_int_equal(c->offload, TUN_OFFLOAD_ALL);
	gateway_config_free(c);
}

static void files_are_beside_the_configuration(void **state)
{
	struct gateway_config *c = NULL;
	struct conf_error error = {""};
	char path[64];
	char wanted[64];

	write_file("f", FILES "vnets:\n" VNET_LAB, 0600);
	snprintf(path, sizeof(path), "%s/f", (const char *)*state);
	snprintf(wanted, sizeof(wanted), "%s/k.pem", (const char *)*state);
	assert_int_equal(chdir("/"), 0);
	gateway_config_load(path, &c, &error);
	assert_int_equal(chdir(*state), 0);
	assert_string_equal(error.text, "");
	assert_string_equal(c->certificates[0].key, wanted);
	gateway_config_free(c);
}

static void single_certificate_stands_in_front_of_the_listed_ones(void **state)
{
	struct gateway_config *c =
		load("certificates:\n"
		     "  - {certificate: ./c.pem, key: ./k.pem, vnet: two}\n"
		     "  - {certificate: c.pem, key: ./k.pem}\n" FILES "vnets:\n" VNET_LAB VNET_TWO);

	assert_int_equal(c->n_certificates, 3);
	assert_string_equal(c->certificates[0].certificate, "c.pem");
	assert_string_equal(c->certificates[0].key, "k.pem");
	assert_int_equal(c->certificates[0].vnet, GATEWAY_ANY_VNET);
	assert_string_equal(c->certificates[1].certificate, "./c.pem");
	assert_string_equal(c->certificates[1].key, "./k.pem");
	assert_int_equal(c->certificates[1].vnet, 1);
	assert_int_equal(c->certificates[2].vnet, GATEWAY_ANY_VNET);
	gateway_config_free(c);
}

static void listed_certificate_can_be_the_default(void **state)
{
	struct gateway_config *c =
		load("certificates: [{certificate: c.pem, key: k.pem, vnet: lab}]\n"
		     "vnets:\n" VNET_LAB);

	assert_int_equal(c->n_certificates, 1);
	assert_int_equal(c->certificates[0].vnet, 0);
	gateway_config_free(c);
}

static void users_are_found_by_name(void **state)
{
	static const uint8_t hash[GATEWAY_NT_HASH_SIZE] = {0x88, 0x46, 0xf7, 0xea, 0xee, 0x8f,
							   0xb1, 0x17, 0xad, 0x06, 0xbd, 0xd8,
							   0x30, 0xb7, 0x58, 0x6c};
	struct gateway_config *c =
		load(FILES "vnets:\n" VNET_LAB VNET_TWO "users:\n"
			   "  - {name: zoe, password: p\xc3\xa4ss, vnet: two}\n"
			   "  - {name: bob, nt_hash: 8846f7eaee8fb117ad06BDD830B7586C, vnet: lab}\n"
			   "  - {name: Zoe, nt_hash: '*', vnet: lab}\n");
	const struct gateway_user *u = gateway_config_user(c, "zoe");

	assert_int_equal(u->vnet, 1);
	assert_int_equal(u->has_nt_hash, false);
	assert_int_equal(u->password.len, 5);
	assert_memory_equal(u->password.data, "p\xc3\xa4ss", 5);
	u = gateway_config_user(c, "bob");
	assert_int_equal(u->has_nt_hash, true);
	assert_memory_equal(u->nt_hash, hash, sizeof(hash));
	assert_int_equal(u->password.len, 0);
	u = gateway_config_user(c, "Zoe");
	assert_int_equal(u->has_nt_hash, false);
	assert_int_equal(u->password.len, 0);
	assert_null(gateway_config_user(c, "ZOE"));
	assert_null(gateway_config_user(c, ""));
	gateway_config_free(c);
}

static void without_users_none_is_found(void **state)
{
	struct gateway_config *c = load(FILES "vnets:\n" VNET_LAB);

	assert_null(gateway_config_user(c, "alice"));
	gateway_config_free(c);
}

static void many_users_are_loaded(void **state)
{
	FILE *f = fopen("f", "w");
	struct gateway_config *c = NULL;
	struct conf_error error = {""};
	char name[16];

	fputs(FILES "vnets:\n" VNET_LAB "users:\n", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "  - {name: u%d, password: p%d, vnet: lab}\n", i * 7919 % 10000, i);
	fclose(f);
	gateway_config_load("f", &c, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(c->n_users, 10000);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		assert_string_equal(gateway_config_user(c, name)->name, name);
	}
	gateway_config_free(c);
}

static void failing_load_leaves_the_result_alone(void **state)
{
	struct gateway_config *c = (struct gateway_config *)*state;
	struct conf_error error;

	write_file("f", FILES "vnets:\n" VNET_LAB "users: [{name: a, password: b, vnet: x}]\n",
		   0600);
	assert_int_equal(gateway_config_load("f", &c, &error), -EINVAL);
	assert_ptr_equal(c, *state);
	assert_int_equal(gateway_config_load("none", &c, &error), -ENOENT);
	assert_ptr_equal(c, *state);
}

/* As a process does that opens no file: neither this one is there nor those that it names. */
static void text_is_loaded_without_a_look_at_files(void **state)
{
	static const char good[] = FILES "vnets:\n" VNET_LAB;
	static const char bad[] = FILES "vnets:\n" VNET_LAB "users:\n"
					"  - {name: a, password: b, vnet: x}\n";
	struct conf_text text = {.path = "none/f", .bytes = good, .len = sizeof(good) - 1};
	struct gateway_config *c = NULL;
	struct conf_error error = {""};

	write_file("f", "", 0600);
	assert_int_equal(gateway_config_parse(&text, true, &c, &error), -EINVAL);
	assert_non_null(strstr(error.text, "none/f:"));
	assert_non_null(strstr(error.text, "cannot be read"));
	assert_int_equal(gateway_config_parse(&text, false, &c, &error), 0);
	assert_string_equal(c->certificates[0].key, "none/k.pem");
	gateway_config_free(c);
	text = (struct conf_text){.path = "none/f", .bytes = bad, .len = sizeof(bad) - 1};
	assert_int_equal(gateway_config_parse(&text, false, &c, &error), -EINVAL);
	assert_non_null(strstr(error.text, ": 'users[0].vnet' names 'x'"));
	assert_non_null(strstr(error.text, "none/f:"));
	assert_null(strstr(error.text, "none/f: ")); /* the line is known */
}

static void nothing_can_be_freed(void **state)
{
	write_file("f", "", 0600);
	gateway_config_free(NULL);
}

/* What loading the file with this mode writes to standard error. */
static void load_aloud(const char *yaml, mode_t mode, char *buf, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	struct gateway_config *config = NULL;
	struct conf_error error;

	write_file("f", yaml, mode);
	dup2(fileno(f), STDERR_FILENO);
	gateway_config_load("f", &config, &error);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
	gateway_config_free(config);
}

static void exposed_secrets_are_warned_of(void **state)
{
	static const char with[] =
		FILES "vnets:\n" VNET_LAB "users: [{name: a, password: b, vnet: lab}]\n";
	static const char without[] =
		FILES "vnets:\n" VNET_LAB "users: [{name: a, nt_hash: '*', vnet: lab}]\n";
	char buf[512];

	load_aloud(with, 0604, buf, sizeof(buf));
	assert_non_null(strstr(buf, "f holds passwords and every user can read it"));
	load_aloud(with, 0640, buf, sizeof(buf));
	assert_string_equal(buf, "");
	load_aloud(without, 0604, buf, sizeof(buf));
	assert_string_equal(buf, "");
	assert_int_equal(chmod("k.pem", 0644), 0);
	load_aloud(without, 0600, buf, sizeof(buf));
	assert_non_null(strstr(buf, "k.pem is a private key and every user can read it"));
}

static void expect_restart(const char *old_yaml, const char *new_yaml, const char *sentence)
{
	struct gateway_config *old_config = load(old_yaml);
	struct gateway_config *new_config = load(new_yaml);
	char buf[CONF_ERROR_MAX];
	const char *got = gateway_config_needs_restart(old_config, new_config, buf);

	assert_string_equal(got ? got : "", sentence);
	gateway_config_free(old_config);
	gateway_config_free(new_config);
}

#define LAB(_more) FILES "vnets:\n  - {name: lab, address_spaces: [10.20.0.0/16], " _more "}\n"

static void what_can_be_reloaded_needs_no_restart(void **state)
{
	static const char old_yaml[] = LAB("pools: [172.16.77.0/24], tun: lab");

	expect_restart(old_yaml, old_yaml, "");
	expect_restart(old_yaml,
		       "certificate: ./c.pem\nkey: ./k.pem\n"
		       "log: {level: debug, target: journal}\n"
		       "auth: {pap: true}\n"
		       "limits: {sessions: 7}\n"
		       "threads: auto\n"
		       "congestion: bbr\n"
		       "offload: {tcp_read: true}\n"
		       "vnets:\n"
		       "  - {name: new, address_spaces: [10.21.0.0/16], pools: [172.16.78.0/24]}\n"
		       "  - name: lab\n"
		       "    address_spaces: [10.30.0.0/16]\n"
		       "    pools: [172.16.77.0/24]\n"
		       "    dns_servers: [10.30.0.1]\n"
		       "    client_to_client: true\n"
		       "    tun: lab\n"
		       "users: [{name: a, password: b, vnet: new}]\n",
		       "");
}

static void what_a_vnet_stands_on_needs_a_restart(void **state)
{
	static const char old_yaml[] = LAB("pools: [172.16.77.0/24, 172.16.78.0/24]");

	expect_restart(old_yaml, LAB("pools: [172.16.77.0/24]"),
		       "'pools' of VNet 'lab' has changed");
	expect_restart(old_yaml, LAB("pools: [172.16.78.0/24, 172.16.77.0/24]"),
		       "'pools' of VNet 'lab' has changed");
	expect_restart(old_yaml, LAB("pools: [172.16.77.0/24, 172.16.78.0/24], tun: x"),
		       "'tun' of VNet 'lab' has changed");
	expect_restart(old_yaml, LAB("pools: [172.16.77.0/24, 172.16.78.0/24], netns: x"),
		       "'netns' of VNet 'lab' has changed");
	expect_restart(old_yaml, LAB("pools: [172.16.77.0/24, 172.16.78.0/24], mtu: 1399"),
		       "'mtu' of VNet 'lab' has changed");
	expect_restart(old_yaml,
		       LAB("pools: [172.16.77.0/24, 172.16.78.0/24], gateway_address: 192.0.0.9"),
		       "'gateway_address' of VNet 'lab' has changed");
}

static void removal_and_listeners_need_a_restart(void **state)
{
	expect_restart(FILES "vnets:\n" VNET_LAB VNET_TWO, FILES "vnets:\n" VNET_LAB,
		       "VNet 'two' has been removed");
	expect_restart(FILES "vnets:\n" VNET_LAB,
		       FILES "listen: ['0.0.0.0:443']\nvnets:\n" VNET_LAB, "'listen' has changed");
	expect_restart(FILES "listen: ['0.0.0.0:444']\nvnets:\n" VNET_LAB,
		       FILES "listen: ['0.0.0.0:443']\nvnets:\n" VNET_LAB, "'listen' has changed");
}

static void threads_and_offload_need_a_restart(void **state)
{
	static const char *const keys[] = {"tcp_read", "udp_read", "tcp_merge", "udp_merge",
					   "io_uring"};
	static const char old_yaml[] = FILES "vnets:\n" VNET_LAB;
	char new_yaml[512];
	char sentence[64];

	expect_restart(old_yaml, FILES "threads: 1\nvnets:\n" VNET_LAB, "'threads' has changed");
	expect_restart(FILES "threads: 2\nvnets:\n" VNET_LAB, FILES "threads: 1\nvnets:\n" VNET_LAB,
		       "'threads' has changed");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(new_yaml, sizeof(new_yaml), "%soffload: {%s: false}\nvnets:\n%s", FILES,
			 keys[i], VNET_LAB);
		snprintf(sentence, sizeof(sentence), "'offload.%s' has changed", keys[i]);
		expect_restart(old_yaml, new_yaml, sentence);
		expect_restart(new_yaml, old_yaml, sentence);
	}
}

#define in_folder(_test) cmocka_unit_test_setup_teardown(_test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(values_are_resolved),
		in_folder(switches_have_defaults_and_are_resolved),
		in_folder(files_are_beside_the_configuration),
		in_folder(single_certificate_stands_in_front_of_the_listed_ones),
		in_folder(listed_certificate_can_be_the_default),
		in_folder(users_are_found_by_name),
		in_folder(without_users_none_is_found),
		in_folder(many_users_are_loaded),
		in_folder(failing_load_leaves_the_result_alone),
		in_folder(nothing_can_be_freed),
		in_folder(text_is_loaded_without_a_look_at_files),
		in_folder(exposed_secrets_are_warned_of),
		in_folder(what_can_be_reloaded_needs_no_restart),
		in_folder(what_a_vnet_stands_on_needs_a_restart),
		in_folder(removal_and_listeners_need_a_restart),
		in_folder(threads_and_offload_need_a_restart),
	};

	return cmocka_run_group_tests_name("gateway/config", tests, NULL, NULL);
}
