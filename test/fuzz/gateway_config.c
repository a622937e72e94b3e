/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as gateway.yaml: an error in one line, or a configuration whose print loads again and
 * prints the same.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sstp/gateway/config.h"

enum {
	PEM_FD = 500
};

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

/* A file in memory that holds these bytes. */
static int put(const void *data, size_t size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fail("no file in memory");
	return fd;
}

/*
 * Certificate and key have to be there: a configuration in /proc/self/fd reaches this file as
 * PEM_FD.
 */
static void provide_pem(void)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
	int fd;

	if (fcntl(PEM_FD, F_GETFD) >= 0)
		return;
	fd = put(pem, strlen(pem));
	if (dup2(fd, PEM_FD) != PEM_FD)
		fail("no descriptor for the PEM file");
	close(fd);
}

/* NULL: an error, whose text was checked. */
static char *load_and_print(const void *data, size_t size)
{
	struct gateway_config *config;
	struct conf_error error = {""};
	char path[64];
	char *printed = NULL;
	size_t len;
	int fd = put(data, size);
	FILE *f;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = gateway_config_load(path, &config, &error);
	close(fd);
	if (r) {
		if (strncmp(error.text, path, strlen(path)) || strchr(error.text, '\n'))
			fail(error.text);
		return NULL;
	}
	f = open_memstream(&printed, &len);
	gateway_config_print(f, config);
	fclose(f);
	gateway_config_free(config);
	return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first;
	char *second;

	provide_pem();
	first = load_and_print(data, size);
	second = first ? load_and_print(first, strlen(first)) : NULL;
	if (first && (!second || strcmp(first, second)))
		fail("what is printed does not load as the same");
	free(first);
	free(second);
	return 0;
}
