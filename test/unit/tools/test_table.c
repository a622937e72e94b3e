/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

enum shape {
	TABLE,
	CSV,
	LINES,
	OBJECT
};

static const struct column columns[] = {
	{"APP", "app", FORMAT_PLAIN},
	{"STATUS", "status", FORMAT_PLAIN},
	{"LIVE", "live", FORMAT_PLAIN},
};

/* Takes json. Owned. */
static char *print(enum shape shape, const struct column *c, size_t n, json_t *json)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(json);
	assert_non_null(f);
	switch (shape) {
	case TABLE: table_print(f, 0, c, n, json); break;
	case CSV: table_print_csv(f, c, n, json); break;
	case LINES: table_print_lines(f, 2, c, n, json); break;
	case OBJECT: table_print_object(f, json); break;
	}
	fclose(f);
	json_decref(json);
	return text;
}

/* What one cell shows of {"x": value}; takes value. */
static void cell_shows(enum format format, json_t *value, const char *expected)
{
	const struct column c = {"X", "x", format};
	json_t *row = json_pack("{s:O}", "x", value);
	char short_text[256];
	char *text = print(TABLE, &c, 1, json_pack("[{s:o}]", "x", value));
	char *cell = strchr(text, '\n') + 1;

	cell[strcspn(cell, "\n")] = '\0';
	assert_string_equal(cell, expected);
	assert_string_equal(table_text(&c, row, short_text, sizeof(short_text)), expected);
	json_decref(row);
	free(text);
}

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
	char *text = print(TABLE, columns, 3,
			   json_pack("[{s:s, s:s, s:i}, {s:s, s:n, s:b}]", "app", "shop", "status",
				     "near expiry", "live", 7, "app", "a", "status", "live", 1));

	assert_string_equal(text, "APP   STATUS       LIVE\n"
				  "shop  near expiry  7\n"
				  "a     -            yes\n");
	free(text);
}

static void empty_list_has_its_titles(void **state)
{
	char *text = print(TABLE, columns, 3, json_array());

	assert_string_equal(text, "APP  STATUS  LIVE\n");
	free(text);
}

static void object_is_a_line_for_each_key_and_cannot_forge_another(void **state)
{
	char *text = print(OBJECT, NULL, 0,
			   json_pack("{s:s, s:s, s:[s,s]}", "app", "a\nb: \x1b", "vnet", "blue",
				     "dns", "10.0.0.4", "10.0.0.5"));

	assert_string_equal(text, "app   a?b: ?\n"
				  "vnet  blue\n"
				  "dns   10.0.0.4,10.0.0.5\n");
	free(text);
}

static void path_leads_into_objects_and_two_stand_beside_each_other(void **state)
{
	static const struct column deep[] = {
		{"Tier", "sku.tier", FORMAT_PLAIN},
		{"VNets", "properties.used|properties.max", FORMAT_PLAIN},
		{"Nowhere", "sku.none.at.all", FORMAT_PLAIN},
	};
	char *text = print(LINES, deep, 3,
			   json_pack("{s:{s:s}, s:{s:i, s:i}}", "sku", "tier", "Basic",
				     "properties", "used", 2, "max", 5));

	assert_string_equal(text, "  Tier     Basic\n"
				  "  VNets    2/5\n"
				  "  Nowhere  -\n");
	free(text);
}

static void id_is_taken_apart(void **state)
{
	static const char id[] = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Network/"
				 "virtualNetworks/blue/virtualNetworkGateways/gw";
	static const char route[] = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Web/"
				    "serverfarms/p/virtualNetworkConnections/green/routes/far";

	cell_shows(FORMAT_SUBSCRIPTION, json_string(id), "s1");
	cell_shows(FORMAT_GROUP, json_string(id), "rg");
	cell_shows(FORMAT_VNET, json_string(id), "blue");
	cell_shows(FORMAT_LAST, json_string(id), "gw");
	cell_shows(FORMAT_NETWORK, json_string(route), "green");
	cell_shows(FORMAT_LAST, json_string("plan1"), "plan1");
	cell_shows(FORMAT_GROUP, json_string("plan1"), "-");
}

static void figures_have_units(void **state)
{
	cell_shows(FORMAT_BYTES, json_integer(0), "0 B");
	cell_shows(FORMAT_BYTES, json_integer(1023), "1023 B");
	cell_shows(FORMAT_BYTES, json_integer(1536), "1.5 KB");
	cell_shows(FORMAT_BYTES, json_integer(5LL << 40), "5.0 TB");
	cell_shows(FORMAT_SECONDS, json_integer(59), "59s");
	cell_shows(FORMAT_SECONDS, json_integer(61), "1m 1s");
	cell_shows(FORMAT_SECONDS, json_integer(7260), "2h 1m");
	cell_shows(FORMAT_SECONDS, json_integer(90000), "1d 1h");
	cell_shows(FORMAT_PLAIN, json_integer(90000), "90000");
}

static void filter_is_shown_as_it_is_typed(void **state)
{
	cell_shows(FORMAT_FILTER,
		   json_pack("[{s:s, s:s, s:i, s:n}, {s:s, s:s, s:i, s:i}]", "action", "deny",
			     "prefix", "10.9.0.0/16", "le", 32, "ge", "action", "permit", "prefix",
			     "::/0", "ge", 16, "le", 48),
		   "deny 10.9.0.0/16 le 32,permit ::/0 ge 16 le 48");
	cell_shows(FORMAT_FILTER, json_array(), "-");
}

static void long_list_is_cut_in_a_table_but_not_in_lines(void **state)
{
	static const struct column list = {"X", "x", FORMAT_PLAIN};
	char *text;

	cell_shows(FORMAT_PLAIN, json_pack("[s,s,s,s]", "a", "b", "c", "d"), "a,b,c,d");
	cell_shows(FORMAT_PLAIN, json_pack("[s,s,s,s,s]", "a", "b", "c", "d", "e"), "a,b,c,+2");
	cell_shows(FORMAT_PLAIN, json_array(), "-");
	text = print(LINES, &list, 1, json_pack("{s:[s,s,s,s,s]}", "x", "a", "b", "c", "d", "e"));
	assert_string_equal(text, "  X  a,b,c,d,e\n");
	free(text);
}

static void csv_has_titles_as_keys_raw_figures_and_quotes(void **state)
{
	static const struct column wide[] = {
		{"A", "a", FORMAT_PLAIN},
		{"B C", "b.c", FORMAT_BYTES},
		{"D", "d", FORMAT_PLAIN},
		{"E", "e", FORMAT_PLAIN},
	};
	char *text = print(CSV, wide, 4,
			   json_pack("[{s:s, s:{s:i}, s:[s,s]}]", "a", "say \"hi\"", "b", "c", 4096,
				     "d", "x", "y"));

	assert_string_equal(text, "a,b_c,d,e\n"
				  "\"say \"\"hi\"\"\",4096,\"x,y\",\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(empty_list_has_its_titles),
		cmocka_unit_test(object_is_a_line_for_each_key_and_cannot_forge_another),
		cmocka_unit_test(path_leads_into_objects_and_two_stand_beside_each_other),
		cmocka_unit_test(id_is_taken_apart),
		cmocka_unit_test(figures_have_units),
		cmocka_unit_test(filter_is_shown_as_it_is_typed),
		cmocka_unit_test(long_list_is_cut_in_a_table_but_not_in_lines),
		cmocka_unit_test(csv_has_titles_as_keys_raw_figures_and_quotes),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/table", tests, NULL, NULL);
}
