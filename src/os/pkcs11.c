/* SPDX-License-Identifier: ISC */
#include "os/pkcs11.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "os/late.h"

#define SLOTS_MAX 32u
#define EDWARDS_KEY ((CK_KEY_TYPE)0x40) /* CKK_EC_EDWARDS of version 3.0 */
#define EDWARDS_SIGN ((CK_MECHANISM_TYPE)0x1057)
#define KDF_NULL ((CK_ULONG)1)

struct ecdh_parameters { /* CK_ECDH1_DERIVE_PARAMS */
	CK_ULONG kdf, shared_len;
	CK_BYTE *shared;
	CK_ULONG public_len;
	CK_BYTE *public;
};

struct place {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
};

struct pkcs11 {
	CK_FUNCTION_LIST **modules;
	struct place slots[SLOTS_MAX]; /* one session each, which lasts: its end would sign out */
	size_t slot_count;
	struct pkcs11_key keys[PKCS11_KEYS_MAX];
	size_t slot_of[PKCS11_KEYS_MAX];
	size_t key_count;
};

static struct kit {
	__typeof__(p11_kit_modules_load_and_initialize) *load;
	__typeof__(p11_kit_modules_finalize_and_release) *release;
} kit;

static const struct late_symbol symbols[] = { { "p11_kit_modules_load_and_initialize", offsetof(struct kit, load) },
	{ "p11_kit_modules_finalize_and_release", offsetof(struct kit, release) } };

static struct late library = {
	.library = "libp11-kit.so.0", .package = "libp11-kit0", .symbols = symbols, .symbol_count = 2, .table = &kit
};

int
pkcs11_open(struct pkcs11 **out, struct error *e)
{
	struct pkcs11 *p;

	if (late_load(&library, ERR_NOT_FOUND, e) != 0)
		return ERR_NOT_FOUND;
	p = mem_alloc(sizeof *p);
	if (p == NULL)
		return error_nomem(e);
	p->modules = kit.load(0);
	if (p->modules == NULL) {
		mem_free(p);
		return error_set(e, ERR_IO, "p11-kit cannot load its modules: `p11-kit list-modules` says more");
	}
	*out = p;
	return 0;
}

static void
close_slots(struct pkcs11 *p)
{
	for (size_t i = 0; i < p->slot_count; i++)
		(void)p->slots[i].module->C_CloseSession(p->slots[i].session);
	p->slot_count = 0;
}

void
pkcs11_close(struct pkcs11 *p)
{
	if (p == NULL)
		return;
	close_slots(p);
	kit.release(p->modules);
	mem_free(p);
}

/* ---- looking ---- */

static bool
get(const struct place *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *value, size_t room, size_t *len_out)
{
	CK_ATTRIBUTE a = { type, value, room };

	if (s->module->C_GetAttributeValue(s->session, o, &a, 1) != CKR_OK || a.ulValueLen > room)
		return false;
	*len_out = a.ulValueLen;
	return true;
}

static bool
get_value(const struct place *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, struct pkcs11_value *out)
{
	return get(s, o, type, out->octets, sizeof out->octets, &out->len);
}

static bool
get_flag(const struct place *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL flag = CK_FALSE;
	size_t len;

	return get(s, o, type, &flag, sizeof flag, &len) && len == sizeof flag && flag != CK_FALSE;
}

/* The contents of a short DER element of that tag, in place; false when it is none. */
static bool
unwrap(struct pkcs11_value *v, uint8_t tag)
{
	size_t head = 2;

	if (v->len < 2 || v->octets[0] != tag)
		return false;
	if (v->octets[1] == 0x81)
		head = 3;
	if ((head == 3 && v->len < 3) || (head == 2 && v->octets[1] >= 0x80) || v->len - head != v->octets[head - 1])
		return false;
	v->len -= head;
	memmove(v->octets, v->octets + head, v->len);
	return true;
}

/* Padded with blanks, without NUL. */
static void
put_name(char out[PKCS11_NAME_MAX], const void *text, size_t len)
{
	const uint8_t *t = text;

	while (len > 0 && (t[len - 1] == ' ' || t[len - 1] == 0))
		len--;
	(void)snprintf(
	    out, PKCS11_NAME_MAX, "%.*s", (int)(len < PKCS11_NAME_MAX ? len : PKCS11_NAME_MAX - 1), (const char *)text);
}

static bool
read_values(const struct place *s, CK_OBJECT_HANDLE o, CK_KEY_TYPE type, struct pkcs11_key *k)
{
	if (type == CKK_RSA) {
		k->kind = TOKEN_RSA;
		return get_value(s, o, CKA_MODULUS, &k->first) && get_value(s, o, CKA_PUBLIC_EXPONENT, &k->second);
	}
	if (type != CKK_EC && type != EDWARDS_KEY)
		return false;
	k->kind = type == CKK_EC ? TOKEN_EC : TOKEN_EDWARDS;
	if (!get_value(s, o, CKA_EC_PARAMS, &k->first) || !get_value(s, o, CKA_EC_POINT, &k->second))
		return false;
	if (!unwrap(&k->first, 0x06))
		k->first.len = 0;       /* a name, as some write for Edwards' curves, or explicit values */
	(void)unwrap(&k->second, 0x04); /* some leave the octet string's head out */
	return k->first.len > 0 || type == EDWARDS_KEY;
}

static bool
read_key(const struct place *s, CK_OBJECT_HANDLE o, struct pkcs11_key *k)
{
	CK_KEY_TYPE type = 0;
	uint8_t label[PKCS11_NAME_MAX];
	size_t len;

	if (!get(s, o, CKA_KEY_TYPE, &type, sizeof type, &len) || !get_value(s, o, CKA_ID, &k->id) || k->id.len == 0 ||
	    !read_values(s, o, type, k))
		return false;
	if (get(s, o, CKA_LABEL, label, sizeof label, &len))
		put_name(k->label, label, len);
	k->sign = get_flag(s, o, CKA_VERIFY);
	k->decrypt = k->kind == TOKEN_RSA ? get_flag(s, o, CKA_ENCRYPT)
					  : k->kind == TOKEN_EC && (get_flag(s, o, CKA_DERIVE) || !k->sign);
	return true;
}

static size_t
find_all(const struct place *s, CK_OBJECT_CLASS class, const struct pkcs11_value *id, CK_OBJECT_HANDLE *out, size_t max)
{
	union {
		const uint8_t *in;
		void *out;
	} u = { id == NULL ? NULL : id->octets };
	CK_ATTRIBUTE wanted[2] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, u.out, id == NULL ? 0 : id->len } };
	CK_ULONG n = 0;

	if (s->module->C_FindObjectsInit(s->session, wanted, id == NULL ? 1 : 2) != CKR_OK)
		return 0;
	if (s->module->C_FindObjects(s->session, out, max, &n) != CKR_OK)
		n = 0;
	(void)s->module->C_FindObjectsFinal(s->session);
	return n;
}

static bool
needs_pin(const struct place *s, const CK_TOKEN_INFO *info)
{
	CK_SESSION_INFO session;

	return (info->flags & CKF_LOGIN_REQUIRED) != 0 &&
	    (s->module->C_GetSessionInfo(s->session, &session) != CKR_OK ||
		(session.state != CKS_RO_USER_FUNCTIONS && session.state != CKS_RW_USER_FUNCTIONS));
}

static void
list_slot(struct pkcs11 *p, size_t slot, const CK_TOKEN_INFO *info)
{
	const struct place *s = &p->slots[slot];
	CK_OBJECT_HANDLE objects[PKCS11_KEYS_MAX];
	size_t n = find_all(s, CKO_PUBLIC_KEY, NULL, objects, PKCS11_KEYS_MAX);

	for (size_t i = 0; i < n && p->key_count < PKCS11_KEYS_MAX; i++) {
		struct pkcs11_key *k = &p->keys[p->key_count];

		*k = (struct pkcs11_key){ .kind = TOKEN_RSA };
		if (!read_key(s, objects[i], k))
			continue;
		put_name(k->token, info->label, sizeof info->label);
		k->needs_pin = needs_pin(s, info);
		p->slot_of[p->key_count++] = slot;
	}
}

/* A session that is there already is used: closing the last one would sign out. */
static bool
open_slot(struct pkcs11 *p, CK_FUNCTION_LIST *module, CK_SLOT_ID id, size_t *slot)
{
	struct place s = { .module = module, .slot = id };

	for (*slot = 0; *slot < p->slot_count; (*slot)++) {
		if (p->slots[*slot].module == module && p->slots[*slot].slot == id)
			return true;
	}
	if (p->slot_count == SLOTS_MAX ||
	    module->C_OpenSession(id, CKF_SERIAL_SESSION, NULL, NULL, &s.session) != CKR_OK)
		return false;
	p->slots[p->slot_count++] = s;
	return true;
}

static void
list_module(struct pkcs11 *p, CK_FUNCTION_LIST *module)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	size_t slot;

	if (module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < n; i++) {
		if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
		    open_slot(p, module, slots[i], &slot))
			list_slot(p, slot, &info);
	}
}

int
pkcs11_list(struct pkcs11 *p, const struct pkcs11_key **out, size_t *count_out, struct error *e)
{
	(void)e;
	p->key_count = 0;
	for (size_t i = 0; p->modules[i] != NULL; i++)
		list_module(p, p->modules[i]);
	*out = p->keys;
	*count_out = p->key_count;
	return 0;
}

/* ---- using ---- */

static int
refuse(CK_RV rv, const char *what, struct error *e)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return error_set(e, ERR_PASSWORD, "the PIN is wrong");
	case CKR_PIN_LOCKED:
		return error_set(e, ERR_DENIED, "the token is locked: its PIN was wrong too often");
	case CKR_USER_NOT_LOGGED_IN:
		return error_set(e, ERR_DENIED, "the token wants its PIN first");
	default:
		return error_set(e, ERR_IO, "the token refuses %s (0x%lX)", what, (unsigned long)rv);
	}
}

static bool
in_range(const struct pkcs11 *p, size_t key)
{
	return key < p->key_count;
}

int
pkcs11_sign_in(struct pkcs11 *p, size_t key, struct slice pin, struct error *e)
{
	union {
		const uint8_t *in;
		CK_UTF8CHAR *out;
	} u = { pin.data };
	const struct place *s = NULL;
	CK_RV rv;

	if (!in_range(p, key))
		return error_set(e, ERR_NO_KEY, "there is no such key");
	s = &p->slots[p->slot_of[key]];
	rv = s->module->C_Login(s->session, CKU_USER, u.out, pin.len);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return refuse(rv, "the PIN", e);
	for (size_t i = 0; i < p->key_count; i++) {
		if (p->slot_of[i] == p->slot_of[key])
			p->keys[i].needs_pin = false;
	}
	return 0;
}

static int
private_half(struct pkcs11 *p, size_t key, const struct place **s, CK_OBJECT_HANDLE *o, struct error *e)
{
	if (!in_range(p, key))
		return error_set(e, ERR_NO_KEY, "there is no such key");
	*s = &p->slots[p->slot_of[key]];
	if (find_all(*s, CKO_PRIVATE_KEY, &p->keys[key].id, o, 1) == 1)
		return 0;
	return p->keys[key].needs_pin ? refuse(CKR_USER_NOT_LOGGED_IN, "", e)
				      : error_set(e, ERR_NO_KEY, "the token has no private half of this key");
}

/* C_Sign() and C_Decrypt() have one form. */
static int
take(const struct place *s, CK_RV (*call)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *),
    struct slice data, struct buf *out, const char *what, struct error *e)
{
	union {
		const uint8_t *in;
		CK_BYTE *out;
	} u = { data.data };
	CK_ULONG n = PKCS11_VALUE_MAX;
	uint8_t *room = buf_reserve(out, PKCS11_VALUE_MAX);
	CK_RV rv;

	if (room == NULL)
		return error_set(e, out->err, "there is no room for the token's answer");
	rv = call(s->session, u.out, data.len, room, &n);
	if (rv != CKR_OK)
		return refuse(rv, what, e);
	buf_commit(out, n);
	return 0;
}

int
pkcs11_sign(struct pkcs11 *p, size_t key, struct slice data, struct buf *out, struct error *e)
{
	static const CK_MECHANISM_TYPE types[] = {
		[TOKEN_RSA] = CKM_RSA_PKCS, [TOKEN_EC] = CKM_ECDSA, [TOKEN_EDWARDS] = EDWARDS_SIGN
	};
	const struct place *s = NULL;
	CK_OBJECT_HANDLE o;
	int rc = private_half(p, key, &s, &o, e);
	CK_MECHANISM m = { 0 };
	CK_RV rv;

	if (rc != 0)
		return rc;
	m.mechanism = types[p->keys[key].kind];
	rv = s->module->C_SignInit(s->session, &m, o);
	return rv == CKR_OK ? take(s, s->module->C_Sign, data, out, "to sign", e) : refuse(rv, "to sign", e);
}

/* The agreed value is an object of the session, which is read and thrown away. */
static int
agree(const struct place *s, CK_OBJECT_HANDLE o, struct slice point, struct buf *out, struct error *e)
{
	union {
		const uint8_t *in;
		CK_BYTE *out;
	} u = { point.data };
	struct ecdh_parameters d = { .kdf = KDF_NULL, .public_len = point.len, .public = u.out };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &d, sizeof d };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE attributes[] = { { CKA_CLASS, &class, sizeof class }, { CKA_KEY_TYPE, &type, sizeof type },
		{ CKA_TOKEN, &no, sizeof no }, { CKA_SENSITIVE, &no, sizeof no },
		{ CKA_EXTRACTABLE, &yes, sizeof yes } };
	CK_OBJECT_HANDLE made;
	uint8_t *room = buf_reserve(out, PKCS11_VALUE_MAX);
	CK_RV rv = s->module->C_DeriveKey(s->session, &m, o, attributes, 5, &made);
	size_t n = 0;
	bool got;

	if (rv != CKR_OK)
		return refuse(rv, "to agree on a key", e);
	got = room != NULL && get(s, made, CKA_VALUE, room, PKCS11_VALUE_MAX, &n);
	(void)s->module->C_DestroyObject(s->session, made);
	if (!got)
		return error_set(e, ERR_IO, "the token does not give the agreed value out");
	buf_commit(out, n);
	return 0;
}

int
pkcs11_open_data(struct pkcs11 *p, size_t key, struct slice data, struct buf *out, struct error *e)
{
	const struct place *s = NULL;
	CK_OBJECT_HANDLE o;
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	int rc = private_half(p, key, &s, &o, e);
	CK_RV rv;

	if (rc != 0)
		return rc;
	if (p->keys[key].kind == TOKEN_EDWARDS)
		return error_set(e, ERR_UNSUPPORTED, "this key only signs");
	if (p->keys[key].kind == TOKEN_EC)
		return agree(s, o, data, out, e);
	rv = s->module->C_DecryptInit(s->session, &m, o);
	rc = rv == CKR_OK ? take(s, s->module->C_Decrypt, data, out, "to decrypt", e) : refuse(rv, "to decrypt", e);
	/* Why it does not fit is nobody's business: the difference would be an oracle. */
	return rc == ERR_IO ? error_set(e, ERR_INTEGRITY, "the encrypted session key is not for this key") : rc;
}
