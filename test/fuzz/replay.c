/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a fuzz target's corpus in the normal run: `fuzz-NAME FOLDER` feeds every file of the folder to the target and
 * prints a TAP line each. A corpus that is missing or empty is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data;
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		return -1;
	/* exactly as large as the input, so that ASan sees the first byte past it */
	data = malloc((size_t)size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
		return -1;
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int n = argc == 2 ? scandir(argv[1], &entries, not_hidden, alphasort) : -1;
	int failed = 0;

	if (n <= 0) {
		printf("1..1\nnot ok 1 corpus %s is missing or empty\n", argc > 1 ? argv[1] : "");
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		int bad = replay(argv[1], entries[i]->d_name) != 0;

		printf("%s %d %s\n", bad ? "not ok" : "ok", i + 1, entries[i]->d_name);
		failed |= bad;
		free(entries[i]);
	}
	free(entries);
	return failed;
}
