/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/metric.h"

static const struct metric_info metrics[METRICS] = {
	/* clang-format off */
	[METRIC_UP] = {"sstp_up", METRIC_GAUGE, {NULL}, false, false,
		"Whether the data plane has answered: 1 or 0."},
	[METRIC_BUILD_INFO] = {"sstp_build_info", METRIC_GAUGE, {"version"}, false, false,
		"Always 1; its label says which version runs."},
	[METRIC_START_TIME] = {"sstp_process_start_time_seconds", METRIC_GAUGE, {"process"}, true, false,
		"When the process was started, in seconds since 1970."},
	[METRIC_CPU] = {"sstp_process_cpu_seconds_total", METRIC_COUNTER, {"process"}, true, true,
		"Processor time that all threads of the process have used."},
	[METRIC_HEAP] = {"sstp_process_heap_bytes", METRIC_GAUGE, {"process"}, true, false,
		"Memory in use on the heap of the process."},
	[METRIC_THREADS] = {"sstp_data_threads", METRIC_GAUGE, {NULL}, true, false,
		"Threads that carry sessions."},
	[METRIC_SESSIONS] = {"sstp_sessions", METRIC_GAUGE, {"vnet"}, true, false,
		"Sessions that are up."},
	[METRIC_CONNECTIONS] = {"sstp_connections", METRIC_GAUGE, {"state"}, true, false,
		"TCP connections of clients: half_open have not logged in yet."},
	[METRIC_ACCEPTS] = {"sstp_accepts_total", METRIC_COUNTER, {NULL}, true, false,
		"TCP connections that were let in."},
	[METRIC_REFUSED] = {"sstp_refused_total", METRIC_COUNTER, {"reason"}, true, false,
		"TCP connections that were closed at once, by the limit that they were over."},
	[METRIC_SETUP] = {"sstp_setup_seconds", METRIC_HISTOGRAM, {NULL}, true, true,
		"From accept until packets flow, of sessions that came up."},
	[METRIC_SETUP_STAGE] = {"sstp_setup_stage_seconds", METRIC_HISTOGRAM, {"stage"}, true, true,
		"How long each stage of a set-up took, of sessions that came up."},
	[METRIC_SETUP_FAILURES] = {"sstp_setup_failures_total", METRIC_COUNTER, {"stage", "reason"}, true, false,
		"Connections that ended before packets flowed, by the stage that they did not pass."},
	[METRIC_ENDED] = {"sstp_sessions_ended_total", METRIC_COUNTER, {"reason"}, true, false,
		"Sessions that were up and have ended."},
	[METRIC_AUTHENTICATIONS] = {"sstp_authentications_total", METRIC_COUNTER, {"method", "result"}, true, false,
		"Log-ins by PPP, by certificate or by password."},
	[METRIC_ENROLMENTS] = {"sstp_enrolment_requests_total", METRIC_COUNTER, {NULL}, true, false,
		"Requests for certificates by EST."},
	[METRIC_BYTES] = {"sstp_bytes_total", METRIC_COUNTER, {"vnet", "direction"}, true, false,
		"Bytes of IP packets that were forwarded: from_clients into the VNet, to_clients out of it."},
	[METRIC_PACKETS] = {"sstp_packets_total", METRIC_COUNTER, {"vnet", "direction"}, true, false,
		"IP packets that were forwarded."},
	[METRIC_DROPS] = {"sstp_drops_total", METRIC_COUNTER, {"vnet", "reason"}, true, false,
		"Packets that were not forwarded."},
	[METRIC_ANSWERS] = {"sstp_icmp_answers_total", METRIC_COUNTER, {"vnet", "result"}, true, false,
		"Senders of dropped packets that were told why by ICMP (sent), or were too many to be told (withheld)."},
	[METRIC_MARKED] = {"sstp_marked_packets_total", METRIC_COUNTER, {"vnet"}, true, false,
		"Packets to clients that were given ECN's mark of congestion instead of being dropped."},
	[METRIC_HANDED_OVER] = {"sstp_handed_over_packets_total", METRIC_COUNTER, {"vnet"}, true, false,
		"Packets that came in by another thread's queue than their session's."},
	[METRIC_QUEUE_DELAY] = {"sstp_queue_delay_seconds", METRIC_HISTOGRAM, {NULL}, true, true,
		"How long packets waited for a client's socket, of those that had to wait and were sent."},
	[METRIC_POOL_USED] = {"sstp_pool_used_addresses", METRIC_GAUGE, {"vnet"}, true, false,
		"Addresses of the VNet's pools that are taken."},
	[METRIC_POOL_SIZE] = {"sstp_pool_size_addresses", METRIC_GAUGE, {"vnet"}, true, false,
		"Addresses that the VNet's pools have."},
	[METRIC_GATEWAY_UP] = {"sstp_gateway_up", METRIC_GAUGE, {"vnet"}, false, false,
		"Whether the VNet's gateway serves: 1 or 0."},
	[METRIC_PLAN_SESSIONS] = {"sstp_plan_sessions", METRIC_GAUGE, {"vnet", "plan"}, false, false,
		"Sessions that are up, by the App Service plan of their app."},
	[METRIC_PLAN_BYTES] = {"sstp_plan_bytes_total", METRIC_COUNTER, {"vnet", "plan", "direction"}, false, false,
		"Bytes as in sstp_bytes_total, by plan, since the day began on which this process was started."},
	[METRIC_PLAN_PACKETS] = {"sstp_plan_packets_total", METRIC_COUNTER, {"vnet", "plan", "direction"}, false, false,
		"Packets, likewise."},
	[METRIC_CERTIFICATES] = {"sstp_certificates", METRIC_GAUGE, {"status"}, false, false,
		"Certificates of apps."},
	[METRIC_NEXT_EXPIRY] = {"sstp_certificate_next_expiry_timestamp_seconds", METRIC_GAUGE, {NULL}, false, false,
		"When the first of the apps' certificates in use runs out, in seconds since 1970."},
	[METRIC_SERVER_EXPIRY] = {"sstp_server_certificate_expiry_timestamp_seconds", METRIC_GAUGE, {NULL}, false, false,
		"When the certificate runs out that the gateway has made for itself, in seconds since 1970."},
	[METRIC_ROUTES_LEARNED] = {"sstp_routes_learned", METRIC_GAUGE, {"vnet"}, false, false,
		"Routes that were learned from on-premises."},
	[METRIC_ROUTES_ANNOUNCED] = {"sstp_routes_announced", METRIC_GAUGE, {"vnet"}, false, false,
		"Prefixes that a routing daemon may announce."},
	/* clang-format on */
};

const struct metric_info *metric_info(enum metric metric)
{
	return &metrics[metric];
}

size_t metric_labels(enum metric metric)
{
	size_t n = 0;

	while (n < METRIC_LABELS_MAX && metrics[metric].labels[n])
		n++;
	return n;
}

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[type];
}
