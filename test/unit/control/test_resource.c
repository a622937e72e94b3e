/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/field_check.h"
#include "test/support/cmocka.h"

static const char *const colours[] = {"red", "blue", NULL};

static const struct resource_field fields[] = {
	{"a.text", RESOURCE_TEXT, "text", NULL, 8, NULL, NULL},
	{"a.b.colour", RESOURCE_TEXT, "colour", "\"red\"", 8, colours, NULL},
	{"a.flag", RESOURCE_BOOL, "flag", "true", 0, NULL, NULL},
	{"list", RESOURCE_TEXTS, "list", "[]", 2, NULL, field_check_address},
	{"n", RESOURCE_NUMBER, "number", "7", 4294967295, NULL, NULL},
	{"objects", RESOURCE_OBJECTS, "objects", "[]", 2, NULL, NULL},
	{.path = "a.shown", .type = RESOURCE_READ_ONLY},
};

static int check(const json_t *body, char ret_why[RESOURCE_WHY_MAX])
{
	if (strcmp(json_string_value(json_object_get(body, "text")), "bad") != 0)
		return 0;
	strcpy(ret_why, "it is bad");
	return -EINVAL;
}

static const struct resource_kind kind = {.name = "thing",
					  .fields = fields,
					  .n_fields = sizeof(fields) / sizeof(fields[0]),
					  .check = check,
					  .check_text = "No."};

static json_t *parsed(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* What statements would get. */
static void reads(const char *body, const char *old, const char *expected)
{
	json_t *json = parsed(body);
	json_t *before = old ? parsed(old) : NULL;
	json_t *wanted = parsed(expected);
	json_t *got = NULL;
	char why[RESOURCE_WHY_MAX] = "";

	if (resource_check(&kind, json, why) < 0 ||
	    resource_read(&kind, json, before, &got, why) < 0)
		fail_msg("%s: %s", body, why);
	assert_true(json_equal(got, wanted));
	json_decref(got);
	json_decref(wanted);
	json_decref(before);
	json_decref(json);
}

static void refuses(const char *body, const char *expected)
{
	json_t *json = parsed(body);
	json_t *got = NULL;
	char why[RESOURCE_WHY_MAX] = "";
	int r = resource_check(&kind, json, why);

	if (r == 0)
		r = resource_read(&kind, json, NULL, &got, why);
	assert_int_equal(r, -EINVAL);
	assert_null(got);
	assert_string_equal(why, expected);
	json_decref(json);
}

#define REST ",\"number\":7,\"objects\":[]"

static void fields_are_found_by_path_and_get_their_defaults(void **state)
{
	reads("{\"a\":{\"text\":\"x\"}}", NULL,
	      "{\"text\":\"x\",\"colour\":\"red\",\"flag\":true,\"list\":[]" REST "}");
	reads("{\"a\":{\"text\":\"x\",\"b\":{\"colour\":\"blue\"},\"flag\":false},"
	      "\"list\":[\"10.0.0.1\"],\"n\":4294967295,\"objects\":[{\"x\":1},{}]}",
	      NULL,
	      "{\"text\":\"x\",\"colour\":\"blue\",\"flag\":false,\"list\":[\"10.0.0.1\"],"
	      "\"number\":4294967295,\"objects\":[{\"x\":1},{}]}");
}

static void what_can_only_be_read_and_null_are_taken_and_ignored(void **state)
{
	reads("{\"id\":1,\"etag\":[],\"a\":{\"text\":\"x\",\"shown\":{\"y\":1},\"b\":null},"
	      "\"list\":null}",
	      NULL, "{\"text\":\"x\",\"colour\":\"red\",\"flag\":true,\"list\":[]" REST "}");
}

static void what_a_body_leaves_out_stays_as_it_was(void **state)
{
	reads("{\"a\":{\"flag\":true}}",
	      "{\"id\":1,\"a\":{\"text\":\"old\",\"flag\":false,\"b\":{\"colour\":\"blue\"}}}",
	      "{\"text\":\"old\",\"colour\":\"blue\",\"flag\":true,\"list\":[]" REST "}");
}

static void what_is_no_such_body_is_refused_with_the_key(void **state)
{
	refuses("{}", "No. 'a.text' is missing");
	refuses("{\"a\":{}}", "No. 'a.text' is missing");
	refuses("{\"a\":1}", "No. 'a' must be an object");
	refuses("{\"a.text\":\"x\"}", "No. 'a.text' is not known here");
	refuses("{\"a\":{\"x\\n\":1}}", "No. 'a.x\\x0a' is not known here");
	refuses("{\"a\":{\"tex\":1}}", "No. 'a.tex' is not known here");
	refuses("{\"a\":{\"text\":{\"x\":1}}}", "No. 'a.text' must be a text");
	refuses("{\"a\":{\"text\":\"123456789\"}}", "No. 'a.text' is longer than 8 bytes");
	refuses("{\"a\":{\"text\":\"\\u00e4\"}}", "No. 'a.text' must be printable ASCII");
	refuses("{\"a\":{\"text\":\"bad\"}}", "No. it is bad");
	refuses("{\"a\":{\"b\":{\"colour\":\"green\"}}}",
		"No. 'a.b.colour' must be one of: red, blue");
	refuses("{\"a\":{\"flag\":1}}", "No. 'a.flag' must be true or false");
	refuses("{\"list\":\"10.0.0.1\"}", "No. 'list' must be a list of texts");
	refuses("{\"list\":[1]}", "No. 'list' must be a list of texts");
	refuses("{\"list\":[\"x\"]}", "No. 'list' must hold IPv4 or IPv6 addresses");
	refuses("{\"n\":\"1\"}", "No. 'n' must be a whole number from 0 to 4294967295");
	refuses("{\"n\":1.5}", "No. 'n' must be a whole number from 0 to 4294967295");
	refuses("{\"n\":-1}", "No. 'n' must be a whole number from 0 to 4294967295");
	refuses("{\"n\":4294967296}", "No. 'n' must be a whole number from 0 to 4294967295");
	refuses("{\"objects\":{}}", "No. 'objects' must be a list of objects");
	refuses("{\"objects\":[{},[]]}", "No. 'objects' must be a list of objects");
	refuses("{\"objects\":[{},{},{}]}", "No. 'objects' has more than 2 entries");
	refuses("{\"list\":[\"10.0.0.1\",\"10.0.0.2\",\"10.0.0.3\"]}",
		"No. 'list' has more than 2 entries");
}

static void key_of_any_length_is_refused_and_cut_in_the_sentence(void **state)
{
	char *body = malloc(20100);
	json_t *json;
	char why[RESOURCE_WHY_MAX];

	assert_non_null(body);
	memset(body, 'k', 20000);
	memcpy(body, "{\"", 2);
	strcpy(body + 20000, "\":1}");
	json = parsed(body);
	assert_int_equal(resource_check(&kind, json, why), -EINVAL);
	assert_true(strlen(why) < 160);
	json_decref(json);
	free(body);
}

static void B11_pool_lies_within_rfc1918_to_its_last_address(void **state)
{
	static const char *const good[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					   "172.31.255.248/29", "10.255.255.0/24"};
	static const char *const bad[] = {"100.64.0.0/10",
					  "172.32.0.0/16",
					  "192.169.0.0/24",
					  "9.255.255.0/24",
					  "10.0.0.0/7",
					  "172.16.0.0/11",
					  "192.168.0.0/15",
					  "10.0.0.0/30",
					  "10.0.0.1/24",
					  "10.0.0.0",
					  ""};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(field_check_pool(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!field_check_pool(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void ipv6_pool_is_unicast_and_has_256_networks(void **state)
{
	static const char *const good[] = {"fd00:1::/56", "fd00::/8", "2001:db8::/32", "fc00::/48"};
	static const char *const bad[] = {
		"fd00:1::/57", "fd00:1::1/56", "fe80::/48",    "ff02::/48",
		"::/0",	       "2001:db8::",   "64:ff9b::/40", "fc00::/6"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(field_check_pool(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!field_check_pool(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void domain_has_labels_of_a_host_name(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"a..b",
		".a",
		"a.",
		"-a",
		"a-.b",
		"a b",
		"a_b",
		("1234567890123456789012345678901234567890123456789012345678"
		 "901234")};

	assert_null(field_check_domain("corp.example.com"));
	assert_null(field_check_domain("x"));
	assert_null(field_check_domain("3com.x-1"));
	assert_null(field_check_domain(
		"123456789012345678901234567890123456789012345678901234567890123.x"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!field_check_domain(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void network_is_named_by_its_name_or_its_id(void **state)
{
#define NETWORKS "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks"
	static const char *const bad[] = {
		"",
		"/",
		"a b",
		"/hub",
		"hub/",
		NETWORKS,
		NETWORKS "/",
		NETWORKS "/hub/",
		NETWORKS "/hub/subnets/a",
		"x" NETWORKS "/hub",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/hub",
		"/subscriptions//resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub"};

	assert_null(field_check_vnet("hub"));
	assert_null(field_check_vnet(NETWORKS "/hub"));
	assert_null(field_check_vnet("/SUBSCRIPTIONS/s/resourcegroups/g/providers/"
				     "microsoft.network/virtualnetworks/hub"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!field_check_vnet(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void namespace_is_a_name_or_none(void **state)
{
	assert_null(field_check_netns(""));
	assert_null(field_check_netns("blue-1"));
	assert_non_null(field_check_netns("."));
	assert_non_null(field_check_netns("../x"));
	assert_non_null(field_check_netns("/run/netns/x"));
}

static void uri_is_bare_https(void **state)
{
	assert_null(field_check_uri("https://gw.example/p.zip?x=1"));
	assert_null(field_check_prefix("0.0.0.0/0"));
	assert_null(field_check_prefix("2001:db8::/32"));
	assert_non_null(field_check_prefix("2001:db8::1/32"));
	assert_non_null(field_check_prefix("2001:db8::1"));
	assert_non_null(field_check_uri("\"https://gw.example/p.zip\""));
	assert_non_null(field_check_uri("http://gw.example"));
	assert_non_null(field_check_uri("https://"));
	assert_non_null(field_check_uri("https:///x"));
	assert_non_null(field_check_uri("https://a b"));
	assert_non_null(field_check_uri(""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_path_and_get_their_defaults),
		cmocka_unit_test(what_can_only_be_read_and_null_are_taken_and_ignored),
		cmocka_unit_test(what_a_body_leaves_out_stays_as_it_was),
		cmocka_unit_test(what_is_no_such_body_is_refused_with_the_key),
		cmocka_unit_test(key_of_any_length_is_refused_and_cut_in_the_sentence),
		cmocka_unit_test(B11_pool_lies_within_rfc1918_to_its_last_address),
		cmocka_unit_test(ipv6_pool_is_unicast_and_has_256_networks),
		cmocka_unit_test(domain_has_labels_of_a_host_name),
		cmocka_unit_test(network_is_named_by_its_name_or_its_id),
		cmocka_unit_test(namespace_is_a_name_or_none),
		cmocka_unit_test(uri_is_bare_https),
	};

	return cmocka_run_group_tests_name("control/resource", tests, NULL, NULL);
}
