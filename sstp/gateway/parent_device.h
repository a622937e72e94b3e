/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_DEVICE_H
#define SSTP_GATEWAY_PARENT_DEVICE_H
/*
 * The parent's verb for devices: what the data plane wants opened is looked at, opened, and handed over; no descriptor of it
 * is kept, so that a device lives as long as the data plane that got it.
 *
 * What was given is remembered by name and pools, to keep others from overlapping: PARENT_GIVEN_MAX devices, the oldest
 * forgotten first.
 *
 * A name that is taken is tried again for PARENT_DEVICE_PATIENCE: it may be the device of a data plane that has just died.
 * Limit: one device at a time; another question takes the place of one that waits.
 */
#include <stdbool.h>

#include "sstp/base/clock.h"
#include "sstp/control/parent_msg.h"
#include "sstp/gateway/config.h"
#include "sstp/net/loop.h"

enum {
	PARENT_GIVEN_MAX = 1024, /* as many VNets as there can be */
};

#define PARENT_DEVICE_PATIENCE (2 * CLOCK_NS_PER_S)

/*
 * Why the data plane does not get this device; NULL: it does. It is one of config's, with the same pools, or one that
 * is called sstp0 to sstp999999999, in the present namespace or in one of config's attach_namespaces, with private
 * pools that overlap none of config's in that namespace. ret_error: what the data plane is told: -ENONET, the
 * namespace is none of those; -EADDRINUSE, of pools; -EPERM.
 */
const char *parent_device_objection(const struct parent_open *m,
				    const struct gateway_config *config, int *ret_error);

struct parent_devices;

/* answer(arg, m, fds): m is a DEVICE; all borrowed for the call. Returns owned; NULL without memory. */
struct parent_devices *parent_devices_new(struct loop *loop,
					  void (*answer)(void *arg, const struct parent_msg *m,
							 const int *fds),
					  void *arg);

/* Takes NULL. */
void parent_devices_free(struct parent_devices *d);

/*
 * m passes (parent_device_objection()). Answers, from within or later; -EADDRINUSE: a pool overlaps that of another
 * device that was given since the last parent_devices_forget(), which is still there, in the same namespace.
 */
void parent_devices_open(struct parent_devices *d, const struct parent_open *m);

/* Answers error. */
void parent_devices_refuse(struct parent_devices *d, int error);

/* Whoever waits for an answer has gone, and all devices with him. */
void parent_devices_forget(struct parent_devices *d);

#endif
