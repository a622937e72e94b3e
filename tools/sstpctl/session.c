/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, and what they have moved. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

static const struct column list_columns[] = {
	{"ID", "vpnConnectionId", FORMAT_PLAIN},
	{"APP", "app", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"PLAN", "plan", FORMAT_LAST},
	{"USER", "vpnUserName", FORMAT_PLAIN},
	{"ADDRESS", "privateIpAddress", FORMAT_PLAIN},
	{"SOURCE", "publicIpAddress", FORMAT_PLAIN},
	{"SINCE", "vpnConnectionTime", FORMAT_PLAIN},
	{"FOR", "vpnConnectionDuration", FORMAT_SECONDS},
	{"INGRESS", "ingressBytesTransferred", FORMAT_BYTES},
	{"EGRESS", "egressBytesTransferred", FORMAT_BYTES},
	{"ENDED", "reason", FORMAT_PLAIN},
};

const struct view session_list_view = {
	.shape = VIEW_TABLE, .hides_empty = true, VIEW_COLUMNS(list_columns)};
const struct view session_view = {.shape = VIEW_LINES};

/* One, or those that the options say; --all stands for no condition at all. */
int session_disconnect(struct call *c)
{
	static const struct body_field body[] = {
		{"APP", "app", BODY_TEXT},
		{"VNET", "vnet", BODY_TEXT},
		{"ALL", "all", BODY_GIVEN},
		{NULL, NULL, BODY_TEXT},
	};
	bool has_condition = c->options[OPTION_APP] || c->options[OPTION_VNET];
	json_t *answer = NULL;
	int code;

	if (!!c->arguments[0] + has_condition + !!c->options[OPTION_ALL] != 1)
		return call_fail(EXIT_USAGE,
				 "SESSION, or --app and --vnet, or --all: one of them is wanted; "
				 "see sstpctl session disconnect --help");
	code = c->arguments[0]
		       ? request_send(c, "POST", "/v1/sessions/{SESSION}/disconnect", NULL, &answer)
		       : request_send(c, "POST", "/v1/sessions/disconnect", body, &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}

static int print_disconnected(struct call *c, const json_t *answer)
{
	const json_t *n = json_object_get(answer, "disconnected");

	if (!json_is_integer(n))
		return view_fail_without("disconnected");
	printf("sessions disconnected: %lld\n", (long long)json_integer_value(n));
	return 0;
}

const struct view disconnected_view = {.shape = VIEW_OWN, .print = print_disconnected};

/* ---- usage ---- */

static const struct column usage_columns[] = {
	{"DAY", "day", FORMAT_PLAIN},
	{"APP", "app", FORMAT_PLAIN},
	{"PLAN", "plan", FORMAT_PLAIN},
	{"VNET", "vnet", FORMAT_PLAIN},
	{"EGRESS", "egressBytes", FORMAT_BYTES},
	{"EGRESS PACKETS", "egressPackets", FORMAT_PLAIN},
	{"INGRESS", "ingressBytes", FORMAT_BYTES},
	{"INGRESS PACKETS", "ingressPackets", FORMAT_PLAIN},
	{"GATEWAY HOURS", "gatewayHours", FORMAT_PLAIN},
};

const struct view usage_view = {
	.shape = VIEW_TABLE, .hides_empty = true, VIEW_COLUMNS(usage_columns)};
