/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/request.h"

struct complaints {
	struct sstp_status_info *infos;
	size_t n;
};

static void complain(struct complaints *c, uint8_t attribute, enum sstp_status status)
{
	if (c->n < SSTP_NAK_MAX)
		c->infos[c->n++] =
			(struct sstp_status_info){.attribute = attribute, .status = status};
}

static void complain_of_value(struct complaints *c, const struct sstp_attr *attr)
{
	if (c->n < SSTP_NAK_MAX)
		c->infos[c->n++] = (struct sstp_status_info){
			.attribute = attr->id,
			.status = SSTP_STATUS_VALUE_NOT_SUPPORTED,
			.value_len = attr->value_len,
			.value = attr->value,
		};
}

static void check_protocol(struct complaints *c, const struct sstp_attr *attr)
{
	struct wire_reader r = wire_reader(attr->value, attr->value_len);
	uint16_t protocol = wire_be16(&r);

	if (!wire_done(&r))
		complain(c, attr->id, SSTP_STATUS_INVALID_ATTRIB_VALUE_LENGTH);
	else if (protocol != SSTP_PROTOCOL_PPP)
		complain_of_value(c, attr);
}

/* A Status Info is out of place here, but one that reports no error does no harm. */
static void check_status_info(struct complaints *c, const struct sstp_attr *attr)
{
	struct sstp_status_info info;

	if (!sstp_read_status_info(attr, &info))
		complain(c, attr->id, SSTP_STATUS_INVALID_ATTRIB_VALUE_LENGTH);
	else if (info.status != SSTP_STATUS_NO_ERROR)
		complain(c, attr->id, SSTP_STATUS_STATUS_INFO_NOT_SUPPORTED_IN_MSG);
}

static void check_attr(struct complaints *c, const struct sstp_attr *attr, bool is_duplicate)
{
	if (is_duplicate)
		complain(c, attr->id, SSTP_STATUS_DUPLICATE_ATTRIBUTE);
	else if (attr->id == SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID)
		check_protocol(c, attr);
	else if (attr->id == SSTP_ATTRIB_STATUS_INFO)
		check_status_info(c, attr);
	else
		complain(c, attr->id, SSTP_STATUS_UNRECOGNIZED_ATTRIBUTE);
}

size_t request_check(const struct sstp_control *msg, struct sstp_status_info ret_bad[SSTP_NAK_MAX])
{
	struct complaints c = {.infos = ret_bad};
	struct wire_reader attrs = msg->attrs;
	bool seen[UINT8_MAX + 1] = {false};
	struct sstp_attr attr;

	while (sstp_next_attr(&attrs, &attr)) {
		check_attr(&c, &attr, seen[attr.id]);
		seen[attr.id] = true;
	}
	/*
	 * 2.2.8 would have the missing attribute's own id here, 3.3.5.2.2 says Status Info's; the
	 * section that prescribes the server's behaviour is followed.
	 */
	if (!seen[SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID])
		complain(&c, SSTP_ATTRIB_STATUS_INFO, SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING);
	return c.n;
}
