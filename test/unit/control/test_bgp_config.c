/* SPDX-License-Identifier: Apache-2.0 */
/* BIRD itself is asked whether it takes what is made. */
#include "sstp/control/bgp_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static struct prefix own[3];

static int set_up(void **state)
{
	assert_int_equal(prefix_parse("10.20.0.0/16", &own[0]), 0);
	assert_int_equal(prefix_parse("172.16.0.0/24", &own[1]), 0);
	assert_int_equal(prefix_parse("fd16::/56", &own[2]), 0);
	return 0;
}

static struct bgp_config a_config(void)
{
	return (struct bgp_config){.vnet = "lab-1.x",
				   .netns = "",
				   .socket = "/run/bird/bird.ctl",
				   .asn = 65515,
				   .table = 254,
				   .announce_table = 8401,
				   .own = own,
				   .n_own = 3};
}

/* What "bird -p" says; "" when it takes it. */
static void check_taken(const struct bgp_config *config)
{
	char path[] = "/tmp/bgp-config-XXXXXX", command[128], said[512] = "";
	int fd = mkstemp(path);
	char *text = bgp_config_text(config);
	FILE *f;

	assert_true(fd >= 0);
	assert_non_null(text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(command, sizeof(command), "bird -p -c %s 2>&1", path);
	f = popen(command, "r");
	if (fread(said, 1, sizeof(said) - 1, f) > 0)
		fail_msg("%s", said);
	assert_int_equal(pclose(f), 0);
	unlink(path);
	free(text);
}

static void bird_takes_it_as_it_stands(void **state)
{
	struct bgp_config c = a_config();

	check_taken(&c);
	c.netns = "red";
	c.neighbor = "192.0.2.9";
	c.neighbor_as = 4200000001;
	check_taken(&c);
	c.neighbor = "fd99::9";
	c.n_own = 2; /* IPv4 alone */
	check_taken(&c);
	c.own = &own[2];
	c.n_own = 1;
	check_taken(&c);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in\n%s", part, text);
}

static void numbers_and_neighbour_are_those_given(void **state)
{
	struct bgp_config c = a_config();
	char *text;

	c.neighbor = "192.0.2.9";
	c.neighbor_as = 65009;
	text = bgp_config_text(&c);
	assert_has(text, "local as 65515;");
	assert_has(text, "neighbor 192.0.2.9 as 65009;");
	assert_has(text, "kernel table 8401;");
	assert_has(text, "kernel table 254;");
	assert_has(text, "10.20.0.0/16{16,32}");
	assert_has(text, "fd16::/56{56,128}");
	assert_null(strstr(text, "disabled;"));
	free(text);
}

static void example_does_nothing_until_it_is_wanted(void **state)
{
	struct bgp_config c = a_config();
	char *text = bgp_config_text(&c);

	assert_has(text, "disabled;");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bird_takes_it_as_it_stands),
		cmocka_unit_test(numbers_and_neighbour_are_those_given),
		cmocka_unit_test(example_does_nothing_until_it_is_wanted),
	};

	return cmocka_run_group_tests_name("control/bgp_config", tests, set_up, NULL);
}
