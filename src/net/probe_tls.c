/* SPDX-License-Identifier: ISC */
/* The handshake, and what the server showed in it. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "net/probe_internal.h"
#include "net/tls_outgoing.h"

/* All that libssl has: who is looked at need not be as strict as we are. */
#define CIPHERS "ALL:!aNULL:!eNULL:@SECLEVEL=0"

#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define CLEAR_SHOWN 80u /* octets of what came in clear */

#define USAGE_EE 3u

/* ---- TLSA ---- */

/* Whether it is this certificate, or its key (RFC 6698 2.1). */
static bool
tlsa_is(struct slice rdata, X509 *x)
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	int len = rdata.data[1] == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : i2d_X509(x, &der);
	struct slice wanted = slice_from(rdata, 3);
	bool same = false;

	if (len > 0 && rdata.data[2] == 0)
		same = slice_eq(wanted, slice_of(der, (size_t)len));
	else if (len > 0 &&
	    EVP_Digest(der, (size_t)len, digest, &size, rdata.data[2] == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1)
		same = slice_eq(wanted, slice_of(digest, size));
	OPENSSL_free(der);
	return same;
}

static void
look_at_tlsa(struct probe_tlsa *t, X509 *leaf, STACK_OF(X509) * chain)
{
	t->usable = tls_outgoing_tlsa_usable(t->rdata);
	t->matches = false;
	if (!t->usable)
		return;
	if (t->rdata.data[0] == USAGE_EE) {
		t->matches = tlsa_is(t->rdata, leaf);
		return;
	}
	for (int i = 0; i < sk_X509_num(chain); i++)
		t->matches |= tlsa_is(t->rdata, sk_X509_value(chain, i));
}

static bool
use_dane(SSL *ssl, const struct probe_tls *how)
{
	bool any = false;

	if (how->tlsa_count == 0 || how->name == NULL || SSL_dane_enable(ssl, how->name) <= 0)
		return false;
	if (how->dane_name != NULL)
		(void)SSL_add1_host(ssl, how->dane_name);
	(void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672 3.1.1 */
	for (size_t i = 0; i < how->tlsa_count; i++) {
		struct slice r = how->tlsa[i].rdata;

		if (tls_outgoing_tlsa_usable(r))
			any |= SSL_dane_tlsa_add(ssl, r.data[0], r.data[1], r.data[2], r.data + 3, r.len - 3) > 0;
	}
	ERR_clear_error();
	return any;
}

/* ---- the handshake ---- */

static int
prepare(struct probe *p, const struct probe_tls *how, bool *dane_out, struct error *e)
{
	bool ok;

	p->ctx = SSL_CTX_new(TLS_client_method());
	ok = p->ctx != NULL && SSL_CTX_set_cipher_list(p->ctx, CIPHERS) == 1 &&
	    SSL_CTX_set_min_proto_version(p->ctx, TLS1_VERSION) == 1 && SSL_CTX_dane_enable(p->ctx) == 1;
	if (ok)
		(void)SSL_CTX_set_options(p->ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
	p->ssl = ok ? SSL_new(p->ctx) : NULL;
	if (p->ssl == NULL || !tls_attach(p->ssl, p->fd))
		return error_set(e, ERR_TLS, "libssl makes no connection: %s", tls_error_text());
	*dane_out = use_dane(p->ssl, how);
	if (how->name != NULL && !*dane_out)
		(void)SSL_ctrl(
		    p->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)how->name);
	SSL_set_verify(p->ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(p->ssl);
	return 0;
}

/* The first octets of the answer, still in the socket: are they TLS's? */
static bool
is_clear(struct probe *p, struct error *e)
{
	char octets[CLEAR_SHOWN];
	ssize_t got = recv(p->fd, octets, sizeof octets, MSG_PEEK);

	if (got <= 0 || octets[0] == RECORD_HANDSHAKE || octets[0] == RECORD_ALERT)
		return false;
	(void)error_set(e, ERR_INTEGRITY, "%s goes on in clear instead of TLS: %.*s", p->address, (int)got, octets);
	return true;
}

/* One step of the handshake, and a wait for what it needs. 0 with *done_out, or to be called again. */
static int
step(struct probe *p, int64_t until, bool *done_out, bool *reads_out, struct error *e)
{
	enum io_result r = tls_handshake(p->ssl);

	*done_out = r == IO_OK;
	*reads_out = r == IO_WANT_READ;
	if (r == IO_EOF || r == IO_ERROR)
		return error_set(e, ERR_TLS, "no TLS with %s: %s", p->address, tls_error_text());
	return r == IO_OK ? 0 : probe_wait(p, r == IO_WANT_WRITE ? POLLOUT : POLLIN, until, e);
}

/*
 * Until our hello is out libssl reads from an empty place, so that the first
 * octets of the answer are still in the socket and can be looked at.
 */
static int
say_hello(struct probe *p, int64_t until, struct error *e)
{
	BIO *socket_bio = SSL_get_rbio(p->ssl), *empty = BIO_new(BIO_s_mem());
	bool done = false, reads = false;
	int rc = 0;

	if (empty == NULL || BIO_up_ref(socket_bio) != 1) {
		BIO_free(empty);
		return error_nomem(e);
	}
	(void)BIO_set_mem_eof_return(empty, -1);
	SSL_set0_rbio(p->ssl, empty);
	while (rc == 0 && !reads)
		rc = step(p, until, &done, &reads, e);
	SSL_set0_rbio(p->ssl, socket_bio);
	return rc == 0 && is_clear(p, e) ? ERR_INTEGRITY : rc;
}

static int
shake_hands(struct probe *p, struct error *e)
{
	int64_t until = probe_deadline(p);
	bool done = false, reads = false;
	int rc = say_hello(p, until, e);

	while (rc == 0 && !done)
		rc = step(p, until, &done, &reads, e);
	return rc;
}

/* ---- what was shown ---- */

static void
set(char out[PROBE_TEXT], const char *text)
{
	(void)snprintf(out, PROBE_TEXT, "%s", text == NULL ? "" : text);
}

static void
see_connection(SSL *ssl, struct probe_seen *seen)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int exchange = cipher == NULL ? NID_undef : SSL_CIPHER_get_kx_nid(cipher);

	seen->version = (uint16_t)SSL_version(ssl);
	set(seen->cipher, cipher == NULL ? NULL : SSL_CIPHER_standard_name(cipher));
	seen->suite = cipher == NULL ? 0 : SSL_CIPHER_get_protocol_id(cipher);
	/* In TLS 1.3 the cipher does not say it: it always has it without a PSK. */
	seen->forward_secret = exchange == NID_kx_ecdhe || exchange == NID_kx_dhe || exchange == NID_kx_any;
	if (seen->forward_secret)
		set(seen->group, SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl)));
}

static int64_t
unix_of(const ASN1_TIME *t)
{
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	if (zero != NULL)
		(void)ASN1_TIME_diff(&days, &seconds, zero, t);
	ASN1_TIME_free(zero);
	return (int64_t)days * 86400 + seconds;
}

static void
see_key(X509 *x, struct probe_seen *seen)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const char *kind = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
	int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key),
	    strength = key == NULL ? 0 : EVP_PKEY_get_security_bits(key);
	int hash = NID_undef;

	set(seen->key, kind == NULL ? "unknown" : kind);
	seen->key_bits = bits > 0 ? (unsigned)bits : 0;
	seen->key_strength = strength > 0 ? (unsigned)strength : 0;
	set(seen->signature, OBJ_nid2ln(X509_get_signature_nid(x)));
	if (X509_get_signature_info(x, &hash, NULL, NULL, NULL) == 1)
		seen->weak_signature = hash == NID_md5 || hash == NID_sha1 || hash == NID_md5_sha1;
}

static X509_STORE *
authorities(const char *ca_file)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		return NULL;
	if (ca_file != NULL ? X509_STORE_load_file(store, ca_file) != 1 : X509_STORE_set_default_paths(store) != 1)
		ERR_clear_error(); /* then nobody vouches for anything */
	return store;
}

/* The authorities, asked beside whatever DANE says. */
static void
see_chain(X509 *leaf, STACK_OF(X509) * chain, const char *ca_file, struct probe_seen *seen)
{
	X509_STORE *store = authorities(ca_file);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (store != NULL && ctx != NULL && X509_STORE_CTX_init(ctx, store, leaf, chain) == 1) {
		(void)X509_STORE_CTX_set_default(ctx, "ssl_server");
		seen->chain_good = X509_verify_cert(ctx) == 1;
		if (!seen->chain_good)
			set(seen->chain_reason, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
}

static void
see_certificate(struct probe *p, const struct probe_tls *how, struct probe_seen *seen)
{
	X509 *leaf = SSL_get0_peer_certificate(p->ssl);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(p->ssl);

	if (leaf == NULL)
		return;
	see_key(leaf, seen);
	see_chain(leaf, chain, how->ca_file, seen);
	seen->begins = unix_of(X509_get0_notBefore(leaf));
	seen->ends = unix_of(X509_get0_notAfter(leaf));
	seen->own = X509_self_signed(leaf, 0) == 1;
	seen->chain_length = (unsigned)sk_X509_num(chain);
	seen->covers_name = how->name != NULL &&
	    X509_check_host(leaf, how->name, 0,
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	tls_describe(leaf, seen->chain_reason, &seen->peer);
	for (size_t i = 0; i < how->tlsa_count; i++)
		look_at_tlsa(&how->tlsa[i], leaf, chain);
}

int
probe_start_tls(struct probe *p, const struct probe_tls *how, struct probe_seen *seen, struct error *e)
{
	bool dane = false;
	int rc;

	*seen = (struct probe_seen){ 0 };
	buf_clear(&p->input);
	p->taken = 0;
	rc = prepare(p, how, &dane, e);
	if (rc == 0)
		rc = shake_hands(p, e);
	if (rc != 0) {
		SSL_free(p->ssl); /* no goodbye over what is no TLS */
		p->ssl = NULL;
		return rc;
	}
	see_connection(p->ssl, seen);
	see_certificate(p, how, seen);
	if (dane) {
		long verdict = SSL_get_verify_result(p->ssl);

		seen->dane_good = verdict == X509_V_OK && SSL_get0_dane_authority(p->ssl, NULL, NULL) >= 0;
		if (!seen->dane_good)
			set(seen->dane_reason, X509_verify_cert_error_string(verdict));
	}
	return 0;
}
