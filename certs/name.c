/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/name.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

/* The bytes of a name, as UTF-8, and what they are for the sentence. */
struct candidate {
	const char *kind;
	const unsigned char *bytes;
	size_t len;
};

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_label(const char *name)
{
	size_t n = 0;

	if (!is_label_char(name[0]))
		return false;
	while (n < NAME_LABEL_MAX &&
	       (is_label_char(name[n]) || (name[n] && strchr("-_.", name[n]))))
		n++;
	return n < NAME_LABEL_MAX && name[n] == '\0';
}

bool name_equal(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool is_control(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* What is wrong with the characters, or NULL. */
static const char *find_bad_character(const unsigned char *bytes, size_t len)
{
	unsigned long c;
	int used;

	for (size_t i = 0; i < len; i += (size_t)used) {
		used = UTF8_getc(bytes + i, (int)(len - i), &c);
		if (used <= 0)
			return "is not UTF-8";
		if (c == 0)
			return "holds a NUL";
		if (is_control(c))
			return "holds a control character";
		if (c == '*')
			return "holds a wildcard";
	}
	return NULL;
}

static int take(const struct candidate *c, char ret_name[NAME_MAX_BYTES],
		struct certs_error *ret_error)
{
	const char *bad;

	if (c->len == 0)
		return certs_fail(ret_error, -EBADMSG, "its %s is empty", c->kind);
	if (c->len >= NAME_MAX_BYTES)
		return certs_fail(ret_error, -EBADMSG, "its %s is longer than %d bytes", c->kind,
				  NAME_MAX_BYTES - 1);
	bad = find_bad_character(c->bytes, c->len);
	if (bad)
		return certs_fail(ret_error, -EBADMSG, "its %s %s", c->kind, bad);
	if (c->bytes[0] == ' ' || c->bytes[c->len - 1] == ' ')
		return certs_fail(ret_error, -EBADMSG, "its %s begins or ends with a blank",
				  c->kind);
	memcpy(ret_name, c->bytes, c->len);
	ret_name[c->len] = '\0';
	return 0;
}

static bool is_upn(const GENERAL_NAME *name)
{
	return name->type == GEN_OTHERNAME && OBJ_obj2nid(name->d.otherName->type_id) == NID_ms_upn;
}

static bool is_mail(const GENERAL_NAME *name)
{
	return name->type == GEN_EMAIL;
}

/* How many names of the kind there are; the first of them. */
static int find_kind(const GENERAL_NAMES *names, bool (*is_kind)(const GENERAL_NAME *name),
		     const GENERAL_NAME **ret_name)
{
	int found = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (is_kind(name) && found++ == 0)
			*ret_name = name;
	}
	return found;
}

/* The text of a UPN or an rfc822Name; NULL when a UPN is not a UTF8String. */
static const ASN1_STRING *text_of(const GENERAL_NAME *name)
{
	const ASN1_TYPE *value;

	if (is_mail(name))
		return name->d.rfc822Name;
	value = name->d.otherName->value;
	return value && value->type == V_ASN1_UTF8STRING ? value->value.utf8string : NULL;
}

/* 1 when the name was found, 0 when there is none of either kind, -EBADMSG. */
static int name_of_alternatives(const GENERAL_NAMES *names, char ret_name[NAME_MAX_BYTES],
				struct certs_error *ret_error)
{
	struct candidate c = {.kind = "UPN"};
	const GENERAL_NAME *name = NULL;
	int found = find_kind(names, is_upn, &name);
	const ASN1_STRING *text;

	if (found == 0) {
		c.kind = "rfc822Name";
		found = find_kind(names, is_mail, &name);
	}
	if (found == 0)
		return 0;
	text = text_of(name);
	if (found > 1)
		return certs_fail(ret_error, -EBADMSG, "it has %d names of the kind %s", found,
				  c.kind);
	if (!text)
		return certs_fail(ret_error, -EBADMSG, "its UPN is not UTF-8");
	c.bytes = ASN1_STRING_get0_data(text);
	c.len = (size_t)ASN1_STRING_length(text);
	return take(&c, ret_name, ret_error) ? -EBADMSG : 1;
}

static int name_of_subject(const X509 *cert, char ret_name[NAME_MAX_BYTES],
			   struct certs_error *ret_error)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	const ASN1_STRING *text = NULL;
	struct candidate c = {.kind = "common name"};
	unsigned char *utf8 = NULL;
	int len, err;

	for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
		text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	if (!text)
		return certs_fail(ret_error, -EBADMSG,
				  "it has neither a UPN, nor an rfc822Name, nor a common name");
	len = ASN1_STRING_to_UTF8(&utf8, text);
	if (len < 0)
		return certs_fail(ret_error, -EBADMSG, "its common name is not UTF-8");
	c.bytes = utf8;
	c.len = (size_t)len;
	err = take(&c, ret_name, ret_error);
	OPENSSL_free(utf8);
	return err;
}

static int find_name(const X509 *cert, char ret_name[NAME_MAX_BYTES], struct certs_error *ret_error)
{
	int critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	int found;

	if (!names && critical != -1)
		return certs_fail(ret_error, -EBADMSG,
				  "its subject alternative name cannot be read");
	found = names ? name_of_alternatives(names, ret_name, ret_error) : 0;
	GENERAL_NAMES_free(names);
	if (found != 0)
		return found > 0 ? 0 : found;
	return name_of_subject(cert, ret_name, ret_error);
}

int name_of_client(const X509 *cert, char ret_name[NAME_MAX_BYTES], struct certs_error *ret_error)
{
	int err;

	ERR_set_mark();
	err = find_name(cert, ret_name, ret_error);
	ERR_pop_to_mark();
	return err;
}
