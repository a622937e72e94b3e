/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sstp/control/model_internal.h"
#include "sstp/control/reply.h"

enum {
	DAY_S = 86400
};

const char *const usage_keys[] = {"from", "to", "by", "per", "app", "vnet", "plan", NULL};

/* ---- days ---- */

/* Days since 1970 of "2026-11-23" (years 1970..9999). */
static bool parse_day(const char *text, int64_t *ret_day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	static const char digits[] = "0123456789";
	unsigned year, month, day;
	bool leap;
	int64_t years;

	if (strlen(text) != 10 || strspn(text, digits) != 4 || strspn(text + 5, digits) != 2 ||
	    strspn(text + 8, digits) != 2 || sscanf(text, "%4u-%2u-%2u", &year, &month, &day) != 3)
		return false;
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    (int)day > before[month] - before[month - 1] + (leap && month == 2))
		return false;
	years = (int64_t)year - 1;
	*ret_day = years * 365 + years / 4 - years / 100 + years / 400 - 719162 +
		   before[month - 1] + (leap && month > 2) + day - 1;
	return true;
}

/* ---- statements ---- */

/* clang-format off */
#define LAST(t) "replace(" t ", rtrim(" t ", replace(" t ", '/', '')), '')"
#define DAY     "strftime('%Y-%m-%d', day * 86400, 'unixepoch')"
#define APP_KEY   "'app', nullif(app, '')"
#define PLAN_KEY  "'plan', nullif(" LAST("plan") ", ''), 'planId', nullif(plan, '')"
#define VNET_KEY  "'vnet', vnet"
/* total() does not overflow, whatever a data plane has claimed; it is exact up to 2^53. */
#define SUM(counter) "CAST(min(total(" counter "), 9e18) AS INTEGER)"
#define SUMS                                                                            \
	"'egressBytes', " SUM("received_bytes") ", 'egressPackets', " SUM("received_packets") \
	", 'ingressBytes', " SUM("sent_bytes") ", 'ingressPackets', " SUM("sent_packets")
#define WANTED                                                                     \
	" WHERE day BETWEEN :from AND :to AND (:app IS NULL OR app = :app)"            \
	" AND (:vnet IS NULL OR vnet = :vnet)"                                         \
	" AND (:plan IS NULL OR " LAST("plan") " = :plan COLLATE NOCASE)"
#define BY(day_key, keys, columns)                                               \
	"SELECT json_object(" day_key keys ", " SUMS ") FROM usage" WANTED " GROUP BY " \
	columns " ORDER BY " columns
#define COUNT_OF(columns)                                                           \
	"SELECT count(*) FROM (SELECT 1 FROM usage" WANTED " GROUP BY " columns " LIMIT 100001)"
/* A gateway has its hours whether there is anybody or not; of an app's share they say nothing. */
#define BY_VNET(day_key, columns)                                                \
	"SELECT json_object(" day_key VNET_KEY ", " SUMS ", 'gatewayHours',"         \
	" round(sum(seconds) / 3600.0, 4)) FROM (SELECT day, vnet, app, plan, sent_bytes,"   \
	" sent_packets, received_bytes, received_packets, 0 AS seconds FROM usage"   \
	" UNION ALL SELECT day, vnet, NULL, NULL, 0, 0, 0, 0, seconds FROM gateway_time)"    \
	WANTED " GROUP BY " columns " ORDER BY " columns
/* clang-format on */

static const struct grouping {
	const char *name;
	bool is_by_day;
	const char *sql;
	const char *count; /* rows, or more than USAGE_ROWS_MAX */
} groupings[] = {
	{"connection", true,
	 BY("'day', " DAY ", ", APP_KEY ", " PLAN_KEY ", " VNET_KEY, "day, app, plan, vnet"),
	 COUNT_OF("day, app, plan, vnet")},
	{"connection", false, BY("", APP_KEY ", " PLAN_KEY ", " VNET_KEY, "app, plan, vnet"),
	 COUNT_OF("app, plan, vnet")},
	{"app", true, BY("'day', " DAY ", ", APP_KEY, "day, app"), COUNT_OF("day, app")},
	{"app", false, BY("", APP_KEY, "app"), COUNT_OF("app")},
	{"plan", true, BY("'day', " DAY ", ", PLAN_KEY, "day, plan"), COUNT_OF("day, plan")},
	{"plan", false, BY("", PLAN_KEY, "plan"), COUNT_OF("plan")},
	{"vnet", true, BY_VNET("'day', " DAY ", ", "day, vnet"), COUNT_OF("day, vnet")},
	{"vnet", false, BY_VNET("", "vnet"), COUNT_OF("vnet")},
};

/* NULL: refused. */
static const struct grouping *find_grouping(const struct query *q, struct front_reply *reply)
{
	const char *by = query_get(q, "by");
	const char *per = query_get(q, "per");
	bool is_by_day = !per || strcmp(per, "day") == 0;

	if (!is_by_day && strcmp(per, "all") != 0) {
		reply_refuse(reply, 400, "'per' must be day or all", NULL);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++)
		if (strcmp(by ? by : "connection", groupings[i].name) == 0 &&
		    groupings[i].is_by_day == is_by_day)
			return &groupings[i];
	reply_refuse(reply, 400, "'by' must be connection, app, plan or vnet", NULL);
	return NULL;
}

/* False: refused. */
static bool read_day(const struct query *q, const char *key, int64_t *ret_day,
		     struct front_reply *reply)
{
	const char *text = query_get(q, key);
	char why[QUERY_WHY_MAX];

	if (!text || parse_day(text, ret_day))
		return true;
	snprintf(why, sizeof(why), "'%s' must be a day, such as 2026-11-23", key);
	reply_refuse(reply, 400, why, NULL);
	return false;
}

/* False: refused. */
static bool check_count(struct model *m, const char *sql, const struct model_names *names,
			struct front_reply *reply)
{
	struct store_query *q;
	struct certs_error e;
	int64_t n = 0;
	int r = store_query(m->store, sql, names->values, names->n, &q, &e);

	if (r == 0) {
		r = store_query_next(q, &e);
		if (r > 0)
			n = store_query_number(q, 0);
		store_query_end(q);
	}
	if (r < 0)
		reply_refuse(reply, 500, e.text, NULL);
	else if (n > USAGE_ROWS_MAX)
		reply_refuse(reply, 400,
			     "that is more than 100000 rows: take fewer days, or one app, plan or "
			     "VNet",
			     NULL);
	return r >= 0 && n <= USAGE_ROWS_MAX;
}

static void list_rows(struct model *m, const struct grouping *g, const struct model_names *names,
		      struct front_reply *reply)
{
	struct model_answer a;

	if (!check_count(m, g->count, names, reply))
		return;
	model_list(m, g->sql, false, names, &a);
	if (a.json)
		*reply = (struct front_reply){.status = 200, .json = a.json};
	else
		reply_refuse(reply, a.status, a.why, NULL);
}

void usage_answer(struct model *model, const struct query *query, int64_t now,
		  struct front_reply *ret_reply)
{
	int64_t to = now / DAY_S;
	int64_t from;
	const struct grouping *g = find_grouping(query, ret_reply);
	struct model_names names;

	if (!g || !read_day(query, "to", &to, ret_reply))
		return;
	from = to - USAGE_DAYS + 1;
	if (!read_day(query, "from", &from, ret_reply))
		return;
	names = (struct model_names){
		5,
		{{.name = ":from", .number = from, .is_number = true},
		 {.name = ":to", .number = to, .is_number = true},
		 {.name = ":app", .text = query_get(query, "app")},
		 {.name = ":vnet", .text = query_get(query, "vnet")},
		 {.name = ":plan", .text = query_get(query, "plan")}},
	};
	list_rows(model, g, &names, ret_reply);
}
