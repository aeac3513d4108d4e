/* SPDX-License-Identifier: ISC */
#include "net/srv.h"

#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/dns_packet.h"

#define PACKET_MAX (16u << 10)
#define BUDGET (256u << 10)
#define WAIT_S 3 /* for an answer, and then once more */
#define TRIES 2
#define CLASS_INTERNET 1
#define NUMBERS 6u /* octets of priority, weight and port */

static int
ask(const char *name, uint8_t *packet, size_t *len_out, struct error *e)
{
	struct __res_state resolver;
	int len, why;

	memset(&resolver, 0, sizeof resolver);
	if (res_ninit(&resolver) != 0)
		return error_set(e, ERR_NET, "the system's resolver cannot begin");
	resolver.retrans = WAIT_S;
	resolver.retry = TRIES;
	len = res_nquery(&resolver, name, CLASS_INTERNET, DNS_SRV, packet, (int)PACKET_MAX);
	why = resolver.res_h_errno;
	res_nclose(&resolver);
	if (len < 0)
		return why == HOST_NOT_FOUND || why == NO_DATA
		    ? error_set(e, ERR_NOT_FOUND, "%.200s is not in DNS", name)
		    : error_set(e, ERR_NET, "no name server says where %.200s is", name);
	*len_out = (size_t)len < PACKET_MAX ? (size_t)len : PACKET_MAX;
	return 0;
}

static unsigned
number(struct slice rdata, size_t at)
{
	return (unsigned)rdata.data[at] << 8 | rdata.data[at + 1];
}

static bool
is_better(struct slice a, struct slice than)
{
	if (than.len == 0 || number(a, 0) != number(than, 0))
		return than.len == 0 || number(a, 0) < number(than, 0);
	return number(a, 2) > number(than, 2);
}

static int
take_best(const struct dns_answer *answer, struct srv_target *out, struct error *e)
{
	struct slice best = SLICE_EMPTY;
	struct buf name;
	int rc;

	for (size_t i = 0; i < answer->record_count; i++)
		if (answer->records[i].len > NUMBERS && is_better(answer->records[i], best))
			best = answer->records[i];
	if (best.len == 0)
		return error_set(e, ERR_NOT_FOUND, "there is no such service");
	buf_init(&name, sizeof out->host - 1);
	rc = dns_name_text(slice_from(best, NUMBERS), &name, e);
	if (rc == 0 && slice_eq_str(buf_slice(&name), "."))
		rc = error_set(e, ERR_NOT_FOUND, "there is no such service");
	if (rc == 0) {
		memcpy(out->host, name.data, name.len);
		out->host[name.len] = '\0';
		out->port = (uint16_t)number(best, 4);
	}
	buf_done(&name);
	return rc;
}

int
srv_find(const char *service, struct slice domain, struct srv_target *target_out, struct error *e)
{
	char name[DNS_TEXT_MAX];
	ARENA_OWNED struct arena a = { 0 };
	MEM_OWNED uint8_t *packet = mem_alloc(PACKET_MAX);
	BUF_OWNED struct buf octets = { 0 };
	struct dns_answer answer = { 0 };
	size_t len;
	int rc;

	arena_init(&a, BUDGET);
	buf_init(&octets, DNS_NAME_MAX + 1);
	if (packet == NULL)
		return error_nomem(e);
	rc = dns_name_put(domain, &octets, e);
	if (rc != 0)
		return rc;
	(void)snprintf(name, sizeof name, "%s._tcp.%.*s", service, (int)domain.len, (const char *)domain.data);
	rc = ask(name, packet, &len, e);
	if (rc == 0)
		rc = dns_packet_read(slice_of(packet, len), DNS_SRV, &a, &answer, e);
	return rc == 0 ? take_best(&answer, target_out, e) : rc;
}
