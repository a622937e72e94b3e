/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sstp/base/secret.h"

enum {
	PEM_LINE_MAX = 256,
	PEM_LINES_MAX = 1 << 16, /* before the first block: roots come with pages of comment */
};

char *conf_file_resolve(const char *conf_path, const char *file)
{
	const char *slash = strrchr(conf_path, '/');
	char *out;

	if (*file == '/' || !slash)
		return strdup(file);
	if (asprintf(&out, "%.*s/%s", (int)(slash - conf_path), conf_path, file) < 0)
		return NULL;
	return out;
}

static bool begins_pem(char *line, const char *label)
{
	static const char begin[] = "-----BEGIN ";
	static const char dashes[] = "-----";
	size_t len = strcspn(line, "\r\n");
	size_t tail = strlen(label) + strlen(dashes);

	line[len] = '\0';
	return len >= strlen(begin) + tail && !strncmp(line, begin, strlen(begin)) &&
	       !strncmp(line + len - tail, label, strlen(label)) &&
	       !strcmp(line + len - strlen(dashes), dashes);
}

const char *conf_file_pem_problem(const char *path, const char *label, char buf[CONF_PROBLEM_MAX])
{
	FILE *f = fopen(path, "re");
	char line[PEM_LINE_MAX];
	bool found = false;
	int error = 0;

	if (!f)
		error = errno;
	for (int i = 0; f && !found && i < PEM_LINES_MAX && fgets(line, sizeof(line), f); i++)
		found = begins_pem(line, label);
	if (f && ferror(f))
		error = errno;
	secret_wipe_bytes(line, sizeof(line));
	if (f)
		fclose(f);
	if (found)
		return NULL;
	if (error)
		snprintf(buf, CONF_PROBLEM_MAX, "cannot be read: %s", strerror(error));
	else
		snprintf(buf, CONF_PROBLEM_MAX, "holds no PEM block '-----BEGIN ... %s-----'",
			 label);
	return buf;
}

bool conf_file_is_exposed(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IROTH);
}

void conf_print_text(FILE *f, const char *text)
{
	fputc('"', f);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\x%02x", *p);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}
