/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PEM_FILES_H
#define SSTP_GATEWAY_PEM_FILES_H
/*
 * What is in the files of a configuration's certificates and keys, read by the process that may, for the one that shows
 * them: which opens no file. What cannot be read travels as the error that it is.
 *
 * Limit: PEM_FILE_MAX bytes of a file; a larger one is -EFBIG.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	PEM_FILE_MAX = 1 << 20,
	PEM_FILES_MAX = 2 * 257, /* of a configuration */
	PEM_FILES_BYTES_MAX = 64 << 20,
};

struct pem_file {
	char *text; /* owned; NULL: error says why */
	int error;  /* 0 or -errno */
};

/* Zeroed: none. */
struct pem_files {
	struct pem_file *files;
	size_t n;
};

/* Reads them all. 0 with what is owned, or -ENOMEM. */
int pem_files_read(const char *const *paths, size_t n, struct pem_files *ret_files);

/* 0 with owned bytes (which are secrets: pem_files_wipe()); -ENOMEM; -EMSGSIZE: more than PEM_FILES_BYTES_MAX. */
int pem_files_encode(const struct pem_files *files, uint8_t **ret_bytes, size_t *ret_len);

/* -EBADMSG, -ENOMEM. */
int pem_files_decode(const uint8_t *bytes, size_t len, struct pem_files *ret_files);

/* Wipes and frees what they were encoded to. Takes NULL. */
void pem_files_wipe(uint8_t *bytes, size_t len);

/* Wipes and frees. Takes a zeroed one. */
void pem_files_done(struct pem_files *files);

#endif
