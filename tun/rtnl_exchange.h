/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_EXCHANGE_H
#define TUN_RTNL_EXCHANGE_H
/*
 * Private to tun/rtnl_*.c: one request to the kernel and its whole answer.
 *
 * An answer is always read to its end, even after an error: the kernel starts no second dump on a
 * socket while one is under way. What belongs to an earlier request is passed over.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct rtnl;

/*
 * Starts a request (type RTM_..., flags NLM_F_...) in the handle's own buffer, large enough for the
 * fixed headers and attributes of one link, address or route. Borrowed until the next call.
 */
struct nlmsghdr *rtnl_request(struct rtnl *r, uint16_t type, uint16_t flags);

/*
 * Sends request (borrowed; its sequence number is set) and reads the answer. Each message of it is
 * shown to each(), if there is one, until that returns a negative value.
 * Returns 0; what each() or the kernel said was wrong; -EINTR: the dump was inconsistent, because
 * something changed meanwhile.
 */
int rtnl_exchange(struct rtnl *r, struct nlmsghdr *request,
		  int (*each)(const struct nlmsghdr *message, void *arg), void *arg);

/* Messages one behind the other, as the kernel sent them. */
struct rtnl_dump {
	uint8_t *buf; /* owned: free() */
	size_t len;
	size_t cap;
};

/*
 * Sends a dump request, again while its answer is inconsistent (-EINTR when it stays so), and keeps
 * the messages that want() asks for. Fills *ret_dump and returns 0, or -errno.
 */
int rtnl_collect(struct rtnl *r, struct nlmsghdr *request,
		 bool (*want)(const struct nlmsghdr *message, const void *arg), const void *arg,
		 struct rtnl_dump *ret_dump);

/*
 * Walks a dump: *pos is 0 at first. NULL at the end; else borrowed from the dump, and may be
 * changed.
 */
struct nlmsghdr *rtnl_dump_next(const struct rtnl_dump *d, size_t *pos);

#endif
