/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, certificates and roots of the gateway's authority. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

/* ---- token ---- */

const struct body_field token_body[] = {
	{"APP", "app", BODY_TEXT},	   {"VNET", "vnet", BODY_TEXT},
	{"GATEWAY", "gateway", BODY_TEXT}, {"LIFETIME", "lifetime", BODY_SECONDS},
	{NULL, NULL, BODY_TEXT},
};

/* The token stands alone on standard output: what there is to say about it goes elsewhere. */
static int print_token(struct call *c, const json_t *answer)
{
	const char *token = json_string_value(json_object_get(answer, "token"));
	const char *warning = json_string_value(json_object_get(answer, "warning"));

	if (!token)
		return view_fail_without("token");
	puts(token);
	if (warning)
		fprintf(stderr, "sstpctl: note: %s\n", warning);
	return 0;
}

const struct view token_view = {.shape = VIEW_OWN, .print = print_token};

static const struct column token_columns[] = {
	{"ID", "id", FORMAT_PLAIN},
	{"APP", "app", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"STATE", "state", FORMAT_PLAIN},
	{"CREATED", "created", FORMAT_PLAIN},
	{"EXPIRES", "expires", FORMAT_PLAIN},
	{"CERTIFICATE", "certThumbprint", FORMAT_PLAIN},
};

const struct view token_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(token_columns)};

/* ---- cert ---- */

static const struct column cert_columns[] = {
	{"THUMBPRINT", "certThumbprint", FORMAT_PLAIN},
	{"APP", "app", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"STATUS", "status", FORMAT_PLAIN},
	{"ISSUED", "issued", FORMAT_PLAIN},
	{"EXPIRES", "notAfter", FORMAT_PLAIN},
	{"RENEWED BY", "renewedBy", FORMAT_PLAIN},
};

static const struct column status_columns[] = {
	{"APP", "app", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"STATUS", "status", FORMAT_PLAIN},
	{"EXPIRES", "notAfter", FORMAT_PLAIN},
	{"CERTIFICATE", "certThumbprint", FORMAT_PLAIN},
	{"RESYNC", "resyncRequired", FORMAT_PLAIN},
	{"WHY", "reason", FORMAT_PLAIN},
};

const struct view cert_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(cert_columns)};
const struct view cert_status_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(status_columns)};

static long long number(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

/* One is not all: who is told that an app is out takes it for out. */
static int print_revoked(struct call *c, const json_t *answer)
{
	long long others = number(answer, "remaining");
	const char *app = json_string_value(json_object_get(answer, "app"));

	printf("revoked; live certificates among it: %lld\n", number(answer, "revoked"));
	if (others > 0)
		printf("%lld other live certificate%s of app %s remain%s: sstpctl cert revoke "
		       "--app %s\n",
		       others, others == 1 ? "" : "s", app, others == 1 ? "s" : "", app);
	return 0;
}

const struct view revoked_view = {.shape = VIEW_OWN, .print = print_revoked};

/* By thumbprint, or of all that an app has. */
int cert_revoke(struct call *c)
{
	static const struct body_field body[] = {
		{"FOREIGN", "foreign", BODY_GIVEN},
		{NULL, NULL, BODY_TEXT},
	};
	const char *app = c->options[OPTION_APP];
	json_t *answer = NULL;
	int code;

	if (app && c->arguments[0])
		return call_fail(EXIT_USAGE,
				 "unexpected argument '%s'; see sstpctl cert revoke --help",
				 c->arguments[0]);
	code = app ? request_send(c, "POST", "/v1/apps/{APP}/revoke", NULL, &answer)
		   : request_send(c, "POST", "/v1/certificates/{THUMBPRINT}/revoke", body, &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}

/* ---- root ---- */

const struct body_field root_body[] = {
	{"NAME", "name", BODY_TEXT},
	{"VNET", "vnet", BODY_TEXT},
	{"FILE", "pem", BODY_PEM},
	{NULL, NULL, BODY_TEXT},
};

static const struct column root_columns[] = {
	{"THUMBPRINT", "thumbprint", FORMAT_PLAIN},
	{"NAME", "name", FORMAT_PLAIN},
	{"KIND", "kind", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"STATUS", "status", FORMAT_PLAIN},
	{"ISSUING", "issuing", FORMAT_PLAIN},
	{"SERVING", "serving", FORMAT_PLAIN},
	{"ISSUES UNTIL", "issuesUntil", FORMAT_PLAIN},
	{"EXPIRES", "notAfter", FORMAT_PLAIN},
	{"LIVE", "liveCertificates", FORMAT_PLAIN},
};

const struct view root_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(root_columns)};

static int print_rotated(struct call *c, const json_t *answer)
{
	const char *thumbprint = json_string_value(json_object_get(answer, "thumbprint"));

	if (!thumbprint)
		return view_fail_without("thumbprint");
	printf("root %s signs from now on; drop the old one when no live certificate is "
	       "below it any more (sstpctl root list)\n",
	       thumbprint);
	return 0;
}

const struct view root_rotated_view = {.shape = VIEW_OWN, .print = print_rotated};

static int print_dropped(struct call *c, const json_t *answer)
{
	printf("dropped; live certificates cut by it: %lld\n", number(answer, "cut"));
	return 0;
}

const struct view root_dropped_view = {.shape = VIEW_OWN, .print = print_dropped};

const struct view object_view = {.shape = VIEW_LINES};
