/* SPDX-License-Identifier: Apache-2.0 */
/* The folder: what is in it, what a failure and a crash leave in it, what is refused. */
#include "certs/authority.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/vault.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

enum {
	DAY = 86400,
	STEPS_MAX = 60,
};

static const char *const names[] = {"gateway.example", "192.0.2.1"};

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void an_empty_folder_gets_a_root(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct authority_root_info info;
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(authority_root_count(a), 1);
	authority_root_at(a, 0, MINT_NOW, &info);
	assert_true(info.is_own && info.is_issuing && info.is_serving);
	assert_int_equal(info.status, CERT_VALID);
	assert_int_equal(info.live, 0);
	assert_int_equal(strncmp(info.name, "root-", 5), 0);
	memcpy(thumbprint, info.facts.thumbprint, sizeof(thumbprint));
	a = scene_again(a, MINT_NOW + 1);
	assert_int_equal(authority_root_count(a), 1);
	authority_root_at(a, 0, MINT_NOW, &info);
	assert_string_equal(info.facts.thumbprint, thumbprint);
	authority_close(a);
}

static void all_that_was_done_is_there_again(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], root[CERT_THUMBPRINT_MAX];
	struct authority *a = scene_open(MINT_NOW);
	struct authority_cert_info before, after;
	struct authority_token_info token;
	uint8_t secret[TOKEN_SECRET_SIZE];

	scene_issue(a, "shop", "production", MINT_NOW, first);
	assert_int_equal(authority_rotate(a, MINT_NOW, root, NULL), 0);
	scene_renew(a, first, MINT_NOW + 5, second);
	scene_token(a, "stock", "production", MINT_NOW, secret);
	assert_int_equal(authority_revoke(a, first, 0, MINT_NOW + 9, NULL), 2);
	authority_cert_at(a, 1, MINT_NOW + 9, &before);
	a = scene_again(a, MINT_NOW + 9);
	assert_int_equal(authority_root_count(a), 2);
	assert_int_equal(authority_cert_count(a), 2);
	authority_cert_at(a, 1, MINT_NOW + 9, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_string_equal(after.renews, first);
	scene_assert_status(a, first, MINT_NOW + 9, CERT_REVOKED);
	assert_int_equal(authority_token_count(a), 1);
	authority_token_at(a, 0, MINT_NOW + 9, &token);
	assert_string_equal(token.app, "stock");
	assert_int_equal(token.expires, MINT_NOW + 3600);
	authority_close(a);
}

static void no_secret_is_in_the_state_and_keys_are_private(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct authority_server server;
	char text[TOKEN_SECRET_TEXT_MAX], *json;
	struct stat st;

	scene_token(a, "shop", "production", MINT_NOW, secret);
	assert_int_equal(authority_server(a, names, 2, MINT_NOW, &server, NULL), 0);
	json = read_file(scene_path("authority.json"));
	token_secret_encode(secret, text);
	assert_null(strstr(json, text));
	assert_null(strstr(json, "PRIVATE"));
	assert_int_equal(scene_count("root-"), 1);
	assert_int_equal(scene_count("server-"), 1);
	assert_int_equal(stat(scene_path("authority.json"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	authority_server_done(&server);
	free(json);
	authority_close(a);
}

static void only_one_process_opens_it(void **state)
{
	struct authority *a = scene_open(MINT_NOW), *b = NULL;
	struct certs_error error;

	assert_int_equal(authority_open(scene_folder(), MINT_NOW, &b, &error), -EBUSY);
	assert_non_null(strstr(error.text, "another process has"));
	assert_null(b);
	authority_close(a);
}

static void assert_not_opened(int code, const char *sentence)
{
	struct authority *a = NULL;
	struct certs_error error;

	assert_int_equal(authority_open(scene_folder(), MINT_NOW, &a, &error), code);
	if (!strstr(error.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, error.text);
	assert_null(a);
}

static void replace(const char *json, const char *from, const char *to)
{
	const char *at = strstr(json, from);
	char *text = NULL;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from)) > 0);
	write_file(scene_path("authority.json"), text);
	free(text);
}

static void a_state_that_was_changed_by_hand_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *sentence;
	} changes[] = {
		{"\"schema\": 2", "\"schema\": 3", "schema: it is 3, and this program knows 2"},
		{"\"schema\": 2", "\"schema\": \"2\"", "authority.json: schema: "},
		{"\"schema\": 2", "\"schema\": 2, \"more\": 1", "authority.json: document: "},
		{"\"schema\": 2", "\"schema\": 2, \"schema\": 2", "authority.json: line "},
		{"\"revoked\": []", "\"revoked\": 1", "document: a table is no list"},
		{"{", "", "authority.json: line 2: "},
		{"\"own\": true", "\"own\": false", "roots[0]: a name is none"},
		{"\"app\": \"shop\"", "\"app\": \"a shop\"", "certificates[0]: a name, a"},
		{"\"app\": \"shop\"", "\"app\": \"shop\", \"x\": 1", "certificates[0]: "},
		{"\"certificate\": \"MII", "\"certificate\": \"MIJ", "roots[0]: "},
		{"\"thumbprint\": \"", "\"thumbprint\": \"0", "tokens[0]: a hash, a name or"},
		{"\"hash\": \"", "\"hash\": \"A", "tokens[0]: a hash, a name or"},
		{"\"expires\": ", "\"expires\": \"never\", \"e\": ", "tokens[0]: "},
		{"\"names\": [", "\"names\": [\"a b\", ", "server: a name is none"},
		{"\"names\": [", "\"names\": 1, \"n\": [", "server: "},
	};
	struct authority *a = scene_open(MINT_NOW);
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct authority_server server;
	uint8_t secret[TOKEN_SECRET_SIZE];
	char *json;

	assert_int_equal(authority_server(a, names, 2, MINT_NOW, &server, NULL), 0);
	authority_server_done(&server);
	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	scene_token(a, "stock", "production", MINT_NOW, secret);
	authority_close(a);
	json = read_file(scene_path("authority.json"));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		replace(json, changes[i].from, changes[i].to);
		assert_not_opened(-EBADMSG, changes[i].sentence);
	}
	replace(json, thumbprint, "0000000000000000000000000000000000000000");
	assert_not_opened(-EBADMSG, "certificates[0]: the thumbprint is not the certificate's");
	write_file(scene_path("authority.json"), json);
	authority_close(scene_open(MINT_NOW));
	free(json);
}

static void a_key_that_is_not_the_roots_is_refused(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct authority_root_info info;
	char name[96], *other;

	authority_root_at(a, 0, MINT_NOW, &info);
	authority_close(a);
	snprintf(name, sizeof(name), "root-%s.key", info.facts.thumbprint);
	other = read_file(scene_path(name));
	scene_set_up(NULL);
	a = scene_open(MINT_NOW);
	authority_root_at(a, 0, MINT_NOW, &info);
	authority_close(a);
	snprintf(name, sizeof(name), "root-%s.key", info.facts.thumbprint);
	write_file(scene_path(name), other);
	assert_not_opened(-EBADMSG, " is the key of another certificate");
	write_file(scene_path(name), "junk");
	assert_not_opened(-EBADMSG, ": no private key in PEM");
	assert_int_equal(chmod(scene_path(name), 0640), 0);
	assert_not_opened(-EACCES, " can be used by others (mode 0640)");
	assert_int_equal(unlink(scene_path(name)), 0);
	assert_not_opened(-EBADMSG, "its private key is missing: root-");
	free(other);
}

static void a_lost_state_is_not_made_anew(void **state)
{
	authority_close(scene_open(MINT_NOW));
	assert_int_equal(unlink(scene_path("authority.json")), 0);
	assert_not_opened(-EBADMSG, "holds keys, but no authority.json: put it back from a backup");
	assert_int_equal(scene_count("root-"), 1);
}

static void a_folder_that_others_can_read_is_refused(void **state)
{
	authority_close(scene_open(MINT_NOW));
	assert_int_equal(chmod(scene_folder(), 0755), 0);
	assert_not_opened(-EACCES, " can be used by others (mode 0755)");
}

static void keys_that_nobody_names_are_removed(void **state)
{
	struct authority *a = scene_open(MINT_NOW);

	authority_close(a);
	write_file(scene_path("root-0000000000000000000000000000000000000000.key"), "x");
	write_file(scene_path("server-0000000000000000000000000000000000000000.key"), "x");
	write_file(scene_path("notes"), "not ours");
	a = scene_open(MINT_NOW);
	assert_int_equal(scene_count("root-"), 1);
	assert_int_equal(scene_count("server-"), 0);
	assert_int_equal(scene_count("notes"), 1);
	authority_close(a);
}

/* ---- failing, and crashing, at each step of each change ---- */

struct fault {
	int at; /* the step, counted over all of them */
	int asked;
	bool is_crash;	      /* the process ends there; else the step fails, and all behind it */
	bool is_renamed;      /* the new state has its name */
	enum vault_step step; /* the one it failed at */
	char name[VAULT_NAME_MAX];
};

static int fail_step(void *arg, enum vault_step step, const char *name)
{
	struct fault *fault = arg;

	/* this is asked only behind the rename */
	fault->is_renamed |= step == VAULT_SYNC_FOLDER && strcmp(name, "authority.json") == 0;
	if (fault->asked++ < fault->at)
		return 0;
	if (fault->asked == fault->at + 1) {
		fault->step = step;
		snprintf(fault->name, sizeof(fault->name), "%s", name);
	}
	if (fault->is_crash)
		_exit(0);
	return -EIO;
}

/* What the changes below work on: made again for each of them. */
struct before {
	char live[CERT_THUMBPRINT_MAX];
	char root[CERT_THUMBPRINT_MAX]; /* an old one of our own */
	uint8_t secret[TOKEN_SECRET_SIZE];
	char token_id[AUTHORITY_TOKEN_ID_MAX];
	EVP_PKEY *key;
	char *pem; /* an external root */
};

static struct authority *prepare(struct before *b)
{
	struct authority *a = scene_open(MINT_NOW);
	char thumbprint[CERT_THUMBPRINT_MAX];
	struct authority_token_info token;
	struct authority_root_info root;
	struct authority_server server;
	struct minted external = mint_root("external");

	authority_root_at(a, 0, MINT_NOW, &root);
	memcpy(b->root, root.facts.thumbprint, sizeof(b->root));
	assert_int_equal(authority_rotate(a, MINT_NOW, thumbprint, NULL), 0);
	assert_int_equal(authority_server(a, names, 2, MINT_NOW, &server, NULL), 0);
	authority_server_done(&server);
	scene_issue(a, "shop", "production", MINT_NOW, b->live);
	scene_token(a, "stock", "production", MINT_NOW, b->secret);
	authority_token_at(a, 0, MINT_NOW, &token);
	memcpy(b->token_id, token.id, sizeof(b->token_id));
	b->key = mint_key(MINT_P256);
	b->pem = mint_pem(&external);
	minted_done(&external);
	return a;
}

static void before_done(struct before *b)
{
	EVP_PKEY_free(b->key);
	free(b->pem);
}

static int change_issue(struct authority *a, struct before *b)
{
	X509 *cert = NULL;
	int err = authority_issue(a, "shop", "production", b->key, MINT_NOW, &cert, NULL);

	X509_free(cert);
	return err;
}

static int change_enrol(struct authority *a, struct before *b)
{
	X509 *cert = NULL;
	int err = authority_enrol(a, b->secret, b->key, MINT_NOW, &cert, NULL);

	X509_free(cert);
	return err;
}

static int change_renew(struct authority *a, struct before *b)
{
	X509 *cert = NULL;
	int err = authority_renew(a, b->live, b->key, MINT_NOW, &cert, NULL);

	X509_free(cert);
	return err;
}

static int change_revoke(struct authority *a, struct before *b)
{
	return authority_revoke(a, b->live, 0, MINT_NOW, NULL);
}

static int change_add_token(struct authority *a, struct before *b)
{
	struct authority_token_request request = {
		.app = "x", .vnet = "y", .gateway = "gw", .lifetime_s = 60};
	char text[TOKEN_TEXT_MAX];

	return authority_token_add(a, &request, MINT_NOW, text, NULL);
}

static int change_drop_token(struct authority *a, struct before *b)
{
	return authority_token_drop(a, b->token_id, MINT_NOW, NULL);
}

static int change_rotate(struct authority *a, struct before *b)
{
	char thumbprint[CERT_THUMBPRINT_MAX];

	return authority_rotate(a, MINT_NOW, thumbprint, NULL);
}

static int change_drop_root(struct authority *a, struct before *b)
{
	return authority_drop_root(a, b->root, MINT_NOW, NULL);
}

static int change_import(struct authority *a, struct before *b)
{
	return authority_import(a, "external", "lab", b->pem, strlen(b->pem), MINT_NOW, NULL);
}

static int change_server(struct authority *a, struct before *b)
{
	struct authority_server server = {.is_new = false};
	int err = authority_server(a, names, 1, MINT_NOW, &server, NULL);

	authority_server_done(&server);
	return err;
}

static const struct change {
	const char *name;
	int (*make)(struct authority *a, struct before *b);
} changes[] = {
	{"issue", change_issue},	   {"enrol", change_enrol},
	{"renew", change_renew},	   {"revoke", change_revoke},
	{"add a token", change_add_token}, {"drop a token", change_drop_token},
	{"rotate", change_rotate},	   {"drop a root", change_drop_root},
	{"import", change_import},	   {"server", change_server},
};

/* All that an operator can see, as one text; owned. */
static char *picture(const struct authority *a)
{
	struct authority_token_info token;
	struct authority_root_info root;
	struct authority_cert_info cert;
	struct authority_server_info server;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < authority_root_count(a); i++) {
		authority_root_at(a, i, MINT_NOW, &root);
		fprintf(f, "root %s %s %s %d %zu\n", root.name, root.vnet, root.facts.thumbprint,
			root.is_serving, root.live);
	}
	for (size_t i = 0; i < authority_cert_count(a); i++) {
		authority_cert_at(a, i, MINT_NOW, &cert);
		fprintf(f, "cert %s %s %s %s %s %s\n", cert.app, cert.facts.thumbprint,
			status_text(cert.status), cert.token, cert.renews, cert.renewed_by);
	}
	for (size_t i = 0; i < authority_token_count(a); i++) {
		authority_token_at(a, i, MINT_NOW, &token);
		fprintf(f, "token %s %d %s\n", token.id, token.state, token.thumbprint);
	}
	if (authority_server_show(a, MINT_NOW, &server) == 0)
		fprintf(f, "server %s %s\n", server.facts.thumbprint, server.root);
	fclose(f);
	return text;
}

static void assert_same(const struct change *change, int at, const char *a, const char *b)
{
	if (strcmp(a, b) != 0)
		fail_msg("%s, step %d:\n%s\nis not\n%s", change->name, at, a, b);
}

/* True when the change has no such step any more: it was made. */
static bool fail_at(const struct change *change, int at)
{
	struct fault fault = {.at = at};
	struct vault_hook hook = {fail_step, &fault};
	char *before, *memory, *disk;
	struct authority *a;
	struct before b;
	int err;

	scene_set_up(NULL);
	a = prepare(&b);
	before = picture(a);
	authority_set_hook(a, &hook);
	err = change->make(a, &b);
	authority_set_hook(a, NULL);
	memory = picture(a);
	a = scene_again(a, MINT_NOW);
	disk = picture(a);
	/* only when the state was renamed into place already, and its folder not flushed */
	if (err == -EIO && !fault.is_renamed)
		assert_same(change, at, disk, before);
	if (err == -EIO)
		assert_same(change, at, memory, before);
	else
		assert_same(change, at, disk, memory);
	authority_close(a);
	free(before);
	free(memory);
	free(disk);
	before_done(&b);
	return fault.asked <= at;
}

static void a_change_that_fails_changes_nothing(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int at = 0;

		while (!fail_at(&changes[i], at))
			assert_true(++at < STEPS_MAX);
		assert_true(at >= 5); /* a write has five steps */
	}
}

static size_t has_external(const struct authority *a)
{
	struct authority_root_info info;

	authority_root_at(a, authority_root_count(a) - 1, MINT_NOW, &info);
	return !info.is_own;
}

/* What a child and its parent both see. */
static struct fault *shared_fault(int at)
{
	struct fault *fault = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(fault != MAP_FAILED);
	*fault = (struct fault){.at = at, .is_crash = true};
	return fault;
}

/* True when the child came to the end of the change. */
static bool crash_in_child(struct authority *a, const struct change *change, struct before *b,
			   struct fault *fault)
{
	struct vault_hook hook = {fail_step, fault};
	pid_t child = fork();
	int status;

	if (child == 0) {
		authority_set_hook(a, &hook);
		_exit(change->make(a, b) >= 0 ? 1 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 1;
}

static bool crash_at(const struct change *change, int at)
{
	struct fault *fault = shared_fault(at);
	char *before, *after;
	struct authority *a;
	struct before b;
	bool is_done;

	scene_set_up(NULL);
	a = prepare(&b);
	before = picture(a);
	is_done = crash_in_child(a, change, &b, fault);
	a = scene_again(a, MINT_NOW); /* it must open, whatever was left */
	after = picture(a);
	if (fault->is_renamed == (strcmp(before, after) == 0))
		fail_msg("%s, step %d (%d of %s): the state is the %s one", change->name, at,
			 fault->step, fault->name, fault->is_renamed ? "old" : "new");
	assert_int_equal(scene_count("authority.json"), 1);
	assert_int_equal(scene_count("root-"), authority_root_count(a) - has_external(a));
	authority_close(a);
	free(before);
	free(after);
	before_done(&b);
	munmap(fault, sizeof(*fault));
	return is_done;
}

static void a_crash_at_any_step_leaves_a_state_that_opens(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int at = 0;

		while (!crash_at(&changes[i], at))
			assert_true(++at < STEPS_MAX);
		assert_true(at >= 5);
	}
}

/* authority_open() has no hook: the folder is brought into each state that it can leave. */
static void a_first_start_that_was_cut_short_is_made_again(void **state)
{
	static const char empty[] = "{\"schema\": 1, \"roots\": [], \"server\": null, "
				    "\"tokens\": [], \"certificates\": [], \"revoked\": []}";
	struct authority *a;

	assert_int_equal(mkdir(scene_folder(), 0700), 0);
	write_file(scene_path("authority.json.tmp"), "{\"sche");
	a = scene_open(MINT_NOW);
	assert_int_equal(authority_root_count(a), 1);
	authority_close(a);
	scene_set_up(NULL);
	assert_int_equal(mkdir(scene_folder(), 0700), 0);
	write_file(scene_path("authority.json"), empty);
	write_file(scene_path("root-0000000000000000000000000000000000000000.key"), "half");
	a = scene_open(MINT_NOW);
	assert_int_equal(authority_root_count(a), 1);
	assert_int_equal(scene_count("root-"), 1);
	authority_close(a);
}

/* Without a lineage, which was what the renewals say. */
static void a_state_of_the_first_schema_is_read(void **state)
{
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];
	struct authority *a = scene_open(MINT_NOW);
	char *json, *at;

	scene_issue(a, "shop", "production", MINT_NOW, first);
	scene_renew(a, first, MINT_NOW, second);
	scene_renew(a, second, MINT_NOW, third);
	authority_close(a);
	json = read_file(scene_path("authority.json"));
	while ((at = strstr(json, "   \"lineage\":")))
		memmove(at, strchr(at, '\n') + 1, strlen(strchr(at, '\n')));
	replace(json, "\"schema\": 2", "\"schema\": 1");
	a = scene_open(MINT_NOW);
	assert_int_equal(authority_revoke(a, third, 0, MINT_NOW, NULL), 3);
	authority_close(a);
	free(json);
}

/* As many certificates as n: the record of the last one again and again. */
static struct authority *fill_up(struct authority *a, size_t n)
{
	size_t there = authority_cert_count(a);
	char *json, *begin, *end;
	FILE *f;

	authority_close(a);
	json = read_file(scene_path("authority.json"));
	end = strstr(json, "\n ],\n \"revoked\"");
	assert_non_null(end);
	*end = '\0';
	for (begin = json; strstr(begin + 1, "\n  {\n"); begin = strstr(begin + 1, "\n  {\n"))
		;
	f = fopen(scene_path("authority.json"), "we");
	assert_non_null(f);
	fputs(json, f);
	for (; there < n; there++)
		fprintf(f, ",%s", begin);
	fputs("\n ],\n \"revoked\": []\n}\n", f);
	fclose(f);
	free(json);
	a = scene_open(MINT_NOW);
	assert_int_equal(authority_cert_count(a), n);
	return a;
}

static int issue_or_renew(struct authority *a, const char *renews, int64_t now)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert = NULL;
	int err = renews ? authority_renew(a, renews, key, now, &cert, NULL)
			 : authority_issue(a, "new", "production", key, now, &cert, NULL);

	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}

static void a_full_table_has_room_for_renewals_and_for_what_takes_a_dead_ones_place(void **state)
{
	char shop[CERT_THUMBPRINT_MAX], lone[CERT_THUMBPRINT_MAX], filler[CERT_THUMBPRINT_MAX];
	const size_t max = AUTHORITY_CERTS_MAX, enrolled = max - AUTHORITY_CERTS_RESERVED;
	int64_t later = MINT_NOW + AUTHORITY_LINEAGE_KEPT_S;
	struct authority *a = scene_open(MINT_NOW);

	scene_issue(a, "shop", "production", MINT_NOW, shop);
	scene_issue(a, "lone", "production", MINT_NOW, lone);
	scene_issue(a, "filler", "production", MINT_NOW, filler);
	a = fill_up(a, enrolled - 1);
	assert_int_equal(issue_or_renew(a, NULL, MINT_NOW), 0);
	assert_int_equal(issue_or_renew(a, NULL, MINT_NOW), -ENOSPC);
	scene_renew(a, shop, MINT_NOW, shop);
	assert_int_equal(authority_cert_count(a), enrolled + 1);
	authority_close(a);
	scene_set_up(NULL);
	a = scene_open(MINT_NOW);
	scene_issue(a, "shop", "production", MINT_NOW, shop);
	scene_renew(a, shop, MINT_NOW, shop);
	scene_issue(a, "lone", "production", MINT_NOW, lone);
	scene_issue(a, "filler", "production", MINT_NOW, filler);
	a = fill_up(a, max);
	assert_int_equal(issue_or_renew(a, lone, later), -ENOSPC);
	assert_int_equal(issue_or_renew(a, shop, later), 0);
	assert_int_equal(authority_cert_count(a), max);
	assert_int_equal(authority_revoke(a, filler, 0, later, NULL), (int)max - 3);
	assert_int_equal(issue_or_renew(a, lone, later), 0);
	assert_int_equal(authority_cert_count(a), max);
	scene_assert_status(a, shop, later, CERT_VALID);
	authority_close(a);
}

/* Weeks of changes: the clock by which things are forgotten takes a week with each. */
static int weeks(int64_t from, int64_t to)
{
	return (int)((to - from) / (7 * DAY));
}

static void what_is_long_over_is_forgotten(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	char old[CERT_THUMBPRINT_MAX], other[CERT_THUMBPRINT_MAX];
	int64_t end = mint_time(2034, 11, 23, 12, 0, 0);
	int64_t token_end = MINT_NOW + 3600 + 30 * DAY;
	uint8_t secret[TOKEN_SECRET_SIZE];

	scene_token(a, "stock", "production", MINT_NOW, secret);
	scene_issue(a, "shop", "production", MINT_NOW, old);
	scene_change(a, token_end, 1 + weeks(MINT_NOW, token_end));
	assert_int_equal(authority_token_count(a), 1);
	scene_issue(a, "shop", "production", token_end + 1, other);
	assert_int_equal(authority_token_count(a), 0);
	scene_change(a, end + 90 * DAY, 1 + weeks(token_end, end + 90 * DAY));
	assert_true(authority_cert_find(a, old) >= 0);
	scene_change(a, end + 90 * DAY + 1, 1);
	assert_int_equal(authority_cert_find(a, old), -ENOENT);
	assert_true(authority_cert_find(a, other) >= 0);
	authority_close(a);
}

static void a_used_token_is_kept_for_30_days_after_its_use(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	uint8_t secret[TOKEN_SECRET_SIZE];
	EVP_PKEY *key = mint_key(MINT_P256);
	X509 *cert;

	scene_token(a, "stock", "production", MINT_NOW, secret);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW, &cert, NULL), 0);
	scene_change(a, MINT_NOW + 30 * DAY, 1 + weeks(0, 30 * DAY));
	assert_int_equal(authority_token_count(a), 1);
	scene_change(a, MINT_NOW + 30 * DAY + 1, 1);
	assert_int_equal(authority_token_count(a), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_close(a);
}

static void a_clock_that_stands_years_ahead_for_a_while_loses_nothing(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	int64_t ahead = mint_time(2035, 11, 23, 12, 0, 0);
	char thumbprints[3][CERT_THUMBPRINT_MAX];
	uint8_t secret[TOKEN_SECRET_SIZE];
	X509 *cert = NULL;
	EVP_PKEY *key = mint_key(MINT_P256);

	for (size_t i = 0; i < 3; i++)
		scene_issue(a, "shop", "production", MINT_NOW, thumbprints[i]);
	scene_token(a, "stock", "production", MINT_NOW, secret);
	scene_change(a, ahead, 2);
	a = scene_again(a, ahead);
	scene_change(a, ahead, 2);
	a = scene_again(a, MINT_NOW);
	scene_change(a, MINT_NOW, 1);
	assert_int_equal(authority_cert_count(a), 3);
	for (size_t i = 0; i < 3; i++)
		scene_assert_status(a, thumbprints[i], MINT_NOW, CERT_VALID);
	assert_int_equal(authority_enrol(a, secret, key, MINT_NOW, &cert, NULL), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
	authority_close(a);
}

/* Its dates tell the time: it is not the first change that does. */
static void a_state_without_a_clock_is_not_fooled_either(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	char thumbprint[CERT_THUMBPRINT_MAX], *json, *at;

	scene_issue(a, "shop", "production", MINT_NOW, thumbprint);
	authority_close(a);
	json = read_file(scene_path("authority.json"));
	at = strstr(json, " \"clock\":");
	memmove(at, strchr(at, '\n') + 1, strlen(strchr(at, '\n')));
	write_file(scene_path("authority.json"), json);
	free(json);
	a = scene_open(MINT_NOW);
	scene_change(a, mint_time(2035, 11, 23, 12, 0, 0), 1);
	assert_int_equal(authority_cert_count(a), 1);
	authority_close(a);
}

static void nothing_is_closed_and_freed(void **state)
{
	authority_close(NULL);
	authority_server_done(NULL);
	authority_export_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_folder_gets_a_root, scene_set_up),
		cmocka_unit_test_setup(all_that_was_done_is_there_again, scene_set_up),
		cmocka_unit_test_setup(no_secret_is_in_the_state_and_keys_are_private,
				       scene_set_up),
		cmocka_unit_test_setup(only_one_process_opens_it, scene_set_up),
		cmocka_unit_test_setup(a_state_that_was_changed_by_hand_is_refused, scene_set_up),
		cmocka_unit_test_setup(a_key_that_is_not_the_roots_is_refused, scene_set_up),
		cmocka_unit_test_setup(a_lost_state_is_not_made_anew, scene_set_up),
		cmocka_unit_test_setup(a_folder_that_others_can_read_is_refused, scene_set_up),
		cmocka_unit_test_setup(keys_that_nobody_names_are_removed, scene_set_up),
		cmocka_unit_test_setup(a_change_that_fails_changes_nothing, scene_set_up),
		cmocka_unit_test_setup(a_crash_at_any_step_leaves_a_state_that_opens, scene_set_up),
		cmocka_unit_test_setup(a_first_start_that_was_cut_short_is_made_again,
				       scene_set_up),
		cmocka_unit_test_setup(a_state_of_the_first_schema_is_read, scene_set_up),
		cmocka_unit_test_setup(
			a_full_table_has_room_for_renewals_and_for_what_takes_a_dead_ones_place,
			scene_set_up),
		cmocka_unit_test_setup(what_is_long_over_is_forgotten, scene_set_up),
		cmocka_unit_test_setup(a_used_token_is_kept_for_30_days_after_its_use,
				       scene_set_up),
		cmocka_unit_test_setup(a_clock_that_stands_years_ahead_for_a_while_loses_nothing,
				       scene_set_up),
		cmocka_unit_test_setup(a_state_without_a_clock_is_not_fooled_either, scene_set_up),
		cmocka_unit_test(nothing_is_closed_and_freed),
	};

	return cmocka_run_group_tests_name("authority", tests, NULL, scene_tear_down);
}
