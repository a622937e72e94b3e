/* SPDX-License-Identifier: Apache-2.0 */
/* Names for logs. */
#include "sstp/proto/call_table.h"

const char *call_state_name(const struct call *c, enum call_state state)
{
	static const char *const names[CALL_STATES] = {
		[CALL_CONNECT_REQUEST_PENDING] = "Server_Connect_Request_Pending",
		[CALL_CONNECTED_PENDING] = "Server_Call_Connected_Pending",
		[CALL_CONNECT_REQUEST_SENT] = "Client_Connect_Request_Sent",
		[CALL_CONNECT_ACK_RECEIVED] = "Client_Connect_Ack_Received",
		[CALL_ABORT_PENDING] = "Call_Abort_Pending",
		[CALL_ABORT_TIMEOUT_PENDING] = "Call_Abort_Timeout_Pending",
		[CALL_DISCONNECT_ACK_PENDING] = "Call_Disconnect_Ack_Pending",
		[CALL_DISCONNECT_TIMEOUT_PENDING] = "Call_Disconnect_Timeout_Pending",
	};
	bool is_server = c->params.role == CALL_SERVER;

	switch (state) {
	case CALL_DISCONNECTED:
		return is_server ? "Server_Call_Disconnected" : "Client_Call_Disconnected";
	case CALL_CONNECTED: return is_server ? "Server_Call_Connected" : "Client_Call_Connected";
	default: return state < CALL_STATES ? names[state] : "unknown state";
	}
}

const char *call_event_name(unsigned event)
{
	static const char *const names[CALL_EVENTS] = {
		[CALL_EV_START] = "start",
		[CALL_EV_REQUEST] = "CALL_CONNECT_REQUEST",
		[CALL_EV_REQUEST_BAD] = "unacceptable CALL_CONNECT_REQUEST",
		[CALL_EV_REQUEST_BAD_AGAIN] = "unacceptable CALL_CONNECT_REQUEST once too often",
		[CALL_EV_ACK] = "CALL_CONNECT_ACK",
		[CALL_EV_ACK_NO_OFFER] = "CALL_CONNECT_ACK without a crypto binding request",
		[CALL_EV_ACK_NO_HASH] = "CALL_CONNECT_ACK without a usable hash",
		[CALL_EV_NAK] = "CALL_CONNECT_NAK",
		[CALL_EV_NAK_AGAIN] = "CALL_CONNECT_NAK once too often",
		[CALL_EV_CONNECTED] = "CALL_CONNECTED",
		[CALL_EV_CONNECTED_EARLY] = "CALL_CONNECTED before authentication",
		[CALL_EV_CONNECTED_EARLY_2] = "second CALL_CONNECTED before authentication",
		[CALL_EV_CONNECTED_BAD_FORM] = "CALL_CONNECTED without a crypto binding",
		[CALL_EV_CONNECTED_FORGED] = "CALL_CONNECTED with an invalid crypto binding",
		[CALL_EV_ABORT] = "CALL_ABORT",
		[CALL_EV_DISCONNECT] = "CALL_DISCONNECT",
		[CALL_EV_DISCONNECT_ACK] = "CALL_DISCONNECT_ACK",
		[CALL_EV_ECHO_REQUEST] = "ECHO_REQUEST",
		[CALL_EV_ECHO_RESPONSE] = "ECHO_RESPONSE",
		[CALL_EV_UNKNOWN] = "unknown message",
		[CALL_EV_MALFORMED] = "malformed message",
		[CALL_EV_AUTH_OK] = "authentication succeeded",
		[CALL_EV_LOCAL_DISCONNECT] = "local disconnect",
		[CALL_EV_LOCAL_ABORT] = "local abort",
		[CALL_EV_TIMEOUT] = "timeout",
		[CALL_EV_HELLO] = "silence",
		[CALL_EV_HELLO_MISSED] = "echo not answered",
		[CALL_EV_LOST] = "connection lost",
	};

	return event < CALL_EVENTS ? names[event] : "unknown event";
}

const char *sstp_status_name(uint32_t status)
{
	static const char *const names[] = {
		[SSTP_STATUS_NO_ERROR] = "NO_ERROR",
		[SSTP_STATUS_DUPLICATE_ATTRIBUTE] = "DUPLICATE_ATTRIBUTE",
		[SSTP_STATUS_UNRECOGNIZED_ATTRIBUTE] = "UNRECOGNIZED_ATTRIBUTE",
		[SSTP_STATUS_INVALID_ATTRIB_VALUE_LENGTH] = "INVALID_ATTRIB_VALUE_LENGTH",
		[SSTP_STATUS_VALUE_NOT_SUPPORTED] = "VALUE_NOT_SUPPORTED",
		[SSTP_STATUS_UNACCEPTED_FRAME_RECEIVED] = "UNACCEPTED_FRAME_RECEIVED",
		[SSTP_STATUS_RETRY_COUNT_EXCEEDED] = "RETRY_COUNT_EXCEEDED",
		[SSTP_STATUS_INVALID_FRAME_RECEIVED] = "INVALID_FRAME_RECEIVED",
		[SSTP_STATUS_NEGOTIATION_TIMEOUT] = "NEGOTIATION_TIMEOUT",
		[SSTP_STATUS_ATTRIB_NOT_SUPPORTED_IN_MSG] = "ATTRIB_NOT_SUPPORTED_IN_MSG",
		[SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING] = "REQUIRED_ATTRIBUTE_MISSING",
		[SSTP_STATUS_STATUS_INFO_NOT_SUPPORTED_IN_MSG] = "STATUS_INFO_NOT_SUPPORTED_IN_MSG",
	};

	return status < sizeof(names) / sizeof(*names) ? names[status] : "unknown status";
}
