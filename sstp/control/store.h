/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_STORE_H
#define SSTP_CONTROL_STORE_H
/*
 * The wall around SQLite. One file, its owner's alone (0600), with a write-ahead log that is flushed
 * with each commit: what store_commit() acknowledged outlives kill -9 and loss of power, and of a
 * transaction that was not acknowledged there is all or nothing.
 *
 * A statement is prepared once, and known by the address of its text: give literals only. Values are
 * bound by name, so a text can take what it needs out of a longer list.
 *
 * One process; a connection is one thread's, and there may be two of them (store_open_beside()). Errors, always with a sentence: -ENOSPC (disk full, or store_schema's
 * limit), -EROFS, -EACCES, -EIO, -EBADMSG (damaged, or not ours), -EEXIST (UNIQUE), -EBUSY (FOREIGN
 * KEY), -EINVAL (CHECK, NOT NULL), -EAGAIN (another process holds it), -EMSGSIZE, -ENOMEM.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	STORE_TEXT_MAX = 32 << 20,  /* bytes of any value or row: a network with 100,000 routes */
	STORE_STATEMENTS_MAX = 192, /* kept prepared; the ones above are prepared each time */
	STORE_PAGE_SIZE = 4096,
};

struct store;

/* What a file must be. All borrowed for the store's life. */
struct store_schema {
	uint32_t application_id;  /* of the file's head; another one is refused */
	const char *const *steps; /* step i, SQL, leads from version i to i + 1 */
	int n_steps;
	unsigned max_pages; /* of the file; 0: as many as SQLite can */
};

/*
 * Opens the file, or makes it (its folder must be there); checks all of it; then brings it to the
 * version n_steps, each step one transaction. A newer version is refused with -EBADMSG and left
 * alone. path ":memory:" is a store that nobody else sees.
 */
int store_open(const char *path, const struct store_schema *schema, struct store **ret_store,
	       struct certs_error *ret_error);

/*
 * A second connection to the same file, which was looked at already; of any thread. It sees what is committed. While
 * one of the two has a transaction open, the other one waits with its own, and fails with -EAGAIN in the end. -EINVAL: s
 * is in memory.
 */
int store_open_beside(const struct store *s, struct store **ret_store,
		      struct certs_error *ret_error);

/* Takes back what was not committed. Takes NULL. */
void store_close(struct store *s);

/* Takes the right to write at once; transactions do not nest. */
int store_begin(struct store *s, struct certs_error *ret_error);
/* When it fails, the transaction is taken back. */
int store_commit(struct store *s, struct certs_error *ret_error);
/* Without a transaction it does nothing. */
void store_rollback(struct store *s);

/* ---- statements ---- */

/* For the parameter ":name" of a statement; one that is not in the list is NULL. */
struct store_value {
	const char *name; /* with its colon */
	const char *text; /* NULL: the number, or SQL's NULL */
	int64_t number;
	bool is_number;
};

struct store_query;

/*
 * Makes a statement ready; values are copied. 0 with a query for store_query_end(). Columns are
 * borrowed until the next call on it.
 */
int store_query(struct store *s, const char *sql, const struct store_value *values, size_t n,
		struct store_query **ret_query, struct certs_error *ret_error);
/* 1: a row stands ready; 0: there is none any more. */
int store_query_next(struct store_query *q, struct certs_error *ret_error);
const char *store_query_text(struct store_query *q, int column); /* NULL: SQL's NULL */
int64_t store_query_number(struct store_query *q, int column);
/* Takes NULL. */
void store_query_end(struct store_query *q);

/* To the end, rows thrown away. Returns how many rows were changed. */
int store_run(struct store *s, const char *sql, const struct store_value *values, size_t n,
	      struct certs_error *ret_error);

/* Several statements in one text, without values: what is made for this connection only. */
int store_script(struct store *s, const char *sql, struct certs_error *ret_error);

/*
 * A function that statements can call: from texts (NULL: SQL's NULL) to an owned text or NULL. It
 * must be pure: equal results for equal arguments.
 */
typedef char *store_function_body(const char *const *args);
int store_function(struct store *s, const char *name, int n_args, store_function_body *body,
		   struct certs_error *ret_error);

/* ---- copies ---- */

/* What a copy may have beside the tables: whole files. All borrowed. */
struct store_file {
	const char *name;
	const void *data;
	size_t len; /* below STORE_TEXT_MAX */
};

/* A copy as of now, one file, 0600; renamed over what was at path. Not within a transaction. */
int store_backup(struct store *s, const char *path, struct certs_error *ret_error);
/* The same in steps, between which the store may be used, and changed: then the copy has the change. */
struct store_copy;

/* 0 with an owned copy; the store must outlive it. */
int store_copy_begin(struct store *s, const char *path, struct store_copy **ret_copy,
		     struct certs_error *ret_error);
/*
 * Copies up to n_pages more (negative: all). 1: there are more, of which none was copied when the store is in the
 * middle of a change; 0: it is whole, for store_copy_finish(); -errno. ret_done and ret_total, in pages, are filled in every case.
 */
int store_copy_step(struct store_copy *c, int n_pages, int *ret_done, int *ret_total,
		    struct certs_error *ret_error);
/* Adds the files, and puts it in its place. 0 or -errno. */
int store_copy_finish(struct store_copy *c, const struct store_file *files, size_t n,
		      struct certs_error *ret_error);
/* One that is not finished leaves nothing behind. Takes NULL. */
void store_copy_free(struct store_copy *c);

/*
 * Takes the place of everything by what is in a backup, in one transaction; one that is damaged, not
 * ours or newer is refused, and all stays as it was. An older one is brought up to date. Its files are in the
 * store from then on.
 */
int store_restore(struct store *s, const char *path, struct certs_error *ret_error);

/*
 * The files that have come with a restore: gives all of them to take(), and forgets them when that returns 0. A crash
 * in between leaves them: so they are to be asked for at each start, before anybody needs what they hold. 1: there were
 * some; 0: none; -errno with a sentence, also take()'s: then they are still there.
 */
typedef int store_take_body(void *arg, const struct store_file *files, size_t n,
			    struct certs_error *ret_error);
int store_take_files(struct store *s, store_take_body *take, void *arg,
		     struct certs_error *ret_error);

#endif
