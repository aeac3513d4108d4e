/* SPDX-License-Identifier: ISC */
/*
 * What the process that has the exchange's secret keys is asked, as messages
 * with schemas over os/port.h. Every key has a purpose and a name (of a CA, its
 * domain), and every question says which key and what is to be said with it:
 * never a digest to sign, so that who asks gets nothing that the key is not
 * for. Who may ask what is service/permit.h.
 *
 * list      the keys that there are, with their public certificates
 * certify   a CA's certification of one user ID. The errors are those of ca_certify(); ERR_NOT_FOUND also: no such key
 *
 * The other end is a set of keys, given to it one by one: keys_begin(), then
 * keys_take() each, then keys_end(), from when on these are all that there are.
 */
#ifndef SERVICE_KEYS_KEYS_H
#define SERVICE_KEYS_KEYS_H

#include "base/error.h"
#include "os/port.h"
#include "service/keys/ca.h"

#define KEYS_MAX 64u                    /* of all purposes */
#define KEYS_NAME_MAX 255u              /* octets */
#define KEYS_CERTIFICATE_MAX (1u << 20) /* octets of a certificate that is asked about */
#define KEYS_CERTIFIED_MAX (2u << 20)   /* and with the new signature */

enum keys_purpose { KEYS_CA = 1 };

struct keys_key {
	uint32_t purpose; /* enum keys_purpose */
	struct slice name;
	struct slice certificate; /* public, binary */
};

struct keys_nothing {
	uint8_t unused;
};

struct keys_list {
	struct keys_key *keys;
	size_t key_count;
};

struct keys_certify {
	struct slice ca;          /* the domain */
	struct slice certificate; /* binary */
	struct slice user_id;
	uint32_t how; /* enum ca_how */
};

struct keys_certified {
	struct slice certificate; /* with the certification */
};

#define KEYS_METHODS(X) X(list, 1, keys_nothing, keys_list) X(certify, 2, keys_certify, keys_certified)

#define KEYS_METHOD_NUMBER(name, number, request, reply) KEYS_METHOD_##name = (number),
enum keys_method { KEYS_METHODS(KEYS_METHOD_NUMBER) };
#undef KEYS_METHOD_NUMBER

extern const struct port_interface keys_interface;

#define KEYS_CALL(name, number, request, reply) \
	static inline int keys_ask_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	}
KEYS_METHODS(KEYS_CALL)
#undef KEYS_CALL

/* ---- the end that has them ---- */

struct keys;

int keys_new(struct keys **keys_out, struct error *e);
/* For port_server_new(): answers on the server's thread, one question after the other. Valid until keys_free(). */
const struct port_service *keys_service(struct keys *k);
void keys_free(struct keys *k);

/* One thread of its own may give keys while others ask. */
void keys_begin(struct keys *k);
/* name: as in the folder of keys (KEYS_FILE_...). Copies the secret. ERR_SYNTAX, ERR_LIMIT, or ca_open()'s. */
int keys_take(struct keys *k, struct slice name, struct slice secret, struct error *e);
void keys_end(struct keys *k);
size_t keys_count(struct keys *k);

/* The name of a CA's file: "ca-DOMAIN.pgp". */
#define KEYS_FILE_PREFIX "ca-"
#define KEYS_FILE_SUFFIX ".pgp"
/* The domain in such a name; empty: it is none. */
struct slice keys_file_domain(struct slice name);

#endif
