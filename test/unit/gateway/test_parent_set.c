/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/sealed.h"
#include "sstp/gateway/pem_files.h"
#include "test/support/cmocka.h"

static char folder[] = "/tmp/test-parent-set-XXXXXX";

static const char yaml[] = "certificate: c.pem\n"
			   "key: k.pem\n"
			   "vnets:\n"
			   "  - {name: lab, address_spaces: [10.20.0.0/16], pools: "
			   "[172.16.77.0/24]}\n";

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int enter_folder(void **state)
{
	assert_non_null(mkdtemp(folder));
	return chdir(folder);
}

static int leave_folder(void **state)
{
	return unlink("c.pem") | unlink("k.pem") | unlink("gateway.yaml") | chdir("/") |
	       rmdir(folder);
}

static struct pem_files files_of(const struct parent_set *s)
{
	struct pem_files files;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(sealed_read(s->files, PEM_FILES_BYTES_MAX, &bytes, &len), 0);
	assert_int_equal(pem_files_decode(bytes, len, &files), 0);
	free(bytes);
	return files;
}

static void set_has_the_text_and_the_files_of_when_they_were_read(void **state)
{
	struct parent_set s = parent_set_none();
	struct conf_error error;
	struct pem_files files;
	uint8_t *text;
	size_t len;

	write_text("gateway.yaml", yaml);
	write_text("c.pem", "-----BEGIN CERTIFICATE-----\n");
	write_text("k.pem", "-----BEGIN PRIVATE KEY-----\n");
	assert_int_equal(parent_set_load("gateway.yaml", &s, &error), 0);
	write_text("gateway.yaml", "changed");
	assert_int_equal(s.files, -1);
	assert_string_equal(s.config->vnets[0].name, "lab");
	assert_int_equal(sealed_read(s.yaml, CONF_FILE_MAX, &text, &len), 0);
	assert_string_equal((char *)text, yaml);
	free(text);
	assert_int_equal(parent_set_read_files(&s), 0);
	files = files_of(&s);
	assert_int_equal(files.n, 2);
	assert_string_equal(files.files[0].text, "-----BEGIN CERTIFICATE-----\n");
	pem_files_done(&files);
	write_text("c.pem", "another");
	unlink("k.pem");
	assert_int_equal(parent_set_read_files(&s), 0);
	files = files_of(&s);
	assert_string_equal(files.files[0].text, "another");
	assert_int_equal(files.files[1].error, -ENOENT);
	pem_files_done(&files);
	parent_set_done(&s);
	assert_null(s.config);
	assert_int_equal(s.yaml, -1);
	parent_set_done(&s);
	write_text("k.pem", "");
}

static void file_that_is_wrong_makes_no_set(void **state)
{
	struct parent_set s = parent_set_none();
	struct conf_error error;
	int before = dup(STDIN_FILENO);
	int after;

	close(before);
	write_text("gateway.yaml", "listen: [\n");
	assert_int_equal(parent_set_load("gateway.yaml", &s, &error), -EINVAL);
	assert_int_equal(parent_set_load("none.yaml", &s, &error), -ENOENT);
	assert_string_equal(error.text, "none.yaml: cannot be read: No such file or directory");
	assert_null(s.config);
	after = dup(STDIN_FILENO);
	assert_int_equal(after, before); /* nothing was left open */
	close(after);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_has_the_text_and_the_files_of_when_they_were_read),
		cmocka_unit_test(file_that_is_wrong_makes_no_set),
	};

	return cmocka_run_group_tests_name("gateway/parent_set", tests, enter_folder, leave_folder);
}
