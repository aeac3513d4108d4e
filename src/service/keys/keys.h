/* SPDX-License-Identifier: ISC */
/*
 * What the process that has the exchange's secret keys is asked, as messages
 * with schemas over os/port.h. Every key has a purpose and a name (of a CA, its
 * domain), and every question says which key and what is to be said with it:
 * never a digest to sign, so that who asks gets nothing that the key is not
 * for. Who may ask what is service/permit.h.
 *
 * list      the keys that there are, with their public certificates. ERR_CLOSED: they have not been given yet
 * certify   a CA's certification of one user ID. The errors are those of ca_certify(); ERR_NOT_FOUND also: no such key
 * dkim_sign signatures of one message by some of a domain's keys, each over its own octets, which end in the field that
 *           names the key (keys_dkim_sign()). All or none. ERR_NOT_FOUND: no such key; ERR_DENIED, ERR_SYNTAX
 * arc_sign  the same, of octets that end in a field of ARC (mailauth/arc/seal.h)
 *
 * The other end is a set of keys, given to it one by one: keys_begin(), then
 * keys_take() each, then keys_end(), from when on these are all that there are.
 */
#ifndef SERVICE_KEYS_KEYS_H
#define SERVICE_KEYS_KEYS_H

#include "base/error.h"
#include "os/port.h"
#include "service/keys/ca.h"
#include "service/keys/dkim.h"

#define KEYS_MAX 64u                    /* CAs */
#define KEYS_DKIM_MAX 2048u             /* DKIM keys: two each of a thousand domains */
#define KEYS_DKIM_ITEMS_MAX 4u          /* signatures of one message: two kinds of keys */
#define KEYS_NAME_MAX 255u              /* octets */
#define KEYS_CERTIFICATE_MAX (1u << 20) /* octets of a certificate that is asked about */
#define KEYS_CERTIFIED_MAX (2u << 20)   /* and with the new signature */

enum keys_purpose { KEYS_CA = 1, KEYS_DKIM = 2 };

struct keys_key {
	uint32_t purpose;         /* enum keys_purpose */
	struct slice name;        /* the domain */
	struct slice certificate; /* a CA's: public, binary */
	/* DKIM's: */
	struct slice selector;
	uint32_t algorithm; /* enum dkim_algorithm */
	uint32_t signature_size;
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

struct keys_dkim_item {
	struct slice octets; /* as dkim_sign_octets() writes them; or a signature, in the answer */
};

struct keys_dkim_sign {
	struct keys_dkim_item *items;
	size_t item_count;
};

struct keys_dkim_signed {
	struct keys_dkim_item *items; /* in the same order */
	size_t item_count;
};

#define KEYS_METHODS(X) \
	X(list, 1, keys_nothing, keys_list) \
	X(certify, 2, keys_certify, keys_certified) \
	X(dkim_sign, 3, keys_dkim_sign, keys_dkim_signed) \
	X(arc_sign, 4, keys_dkim_sign, keys_dkim_signed)

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
/* Asks; done gets the reply struct. */
#define KEYS_SUBMIT(name, number, request, reply) \
	static inline int keys_ask_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
KEYS_METHODS(KEYS_SUBMIT)
#undef KEYS_SUBMIT

/* ---- the end that has them ---- */

struct keys;

int keys_new(struct keys **keys_out, struct error *e);
/* For port_server_new(): answers on the server's thread, one question after the other. Valid until keys_free(). */
const struct port_service *keys_service(struct keys *k);
void keys_free(struct keys *k);

/* One thread of its own may give keys while others ask. */
void keys_begin(struct keys *k);
/* name: as in the folder of keys. Copies the secret. ERR_SYNTAX, ERR_LIMIT, or those of ca_open(), keys_dkim_open(). */
int keys_take(struct keys *k, struct slice name, struct slice secret, struct error *e);
void keys_end(struct keys *k);
size_t keys_count(struct keys *k);

/* The name of a CA's file: "ca-DOMAIN.pgp". */
#define KEYS_FILE_PREFIX "ca-"
#define KEYS_FILE_SUFFIX ".pgp"
/* Whether the process keys is given the file of that name: a CA's, or a DKIM key that signs. */
bool keys_file_is(struct slice name);

#endif
