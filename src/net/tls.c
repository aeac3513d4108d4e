/* SPDX-License-Identifier: ISC */
#include "net/tls_internal.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
#define TLS_GROUPS "X25519:P-256:P-384"

struct tls_server {
	pthread_mutex_t lock; /* guards ctx and pin */
	SSL_CTX *ctx;
	uint8_t pin[TLS_PIN_SIZE];
};

struct tls_client {
	SSL_CTX *ctx;
	bool pinned;
	uint8_t pin[TLS_PIN_SIZE];
};

/* It goes into Received fields and logs, and a NUL in it would leave its rest in the table for the next. */
static bool
is_name(struct slice name)
{
	bool good = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		good = good && name.data[i] > ' ' && name.data[i] < 0x7f;
	return good;
}

const char *
tls_name_keep(struct slice name)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char names[TLS_NAMES_MAX][64];
	const char *found = "other";

	if (!is_name(name) || name.len >= sizeof names[0])
		return found;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < TLS_NAMES_MAX; i++) {
		if (names[i][0] == '\0')
			memcpy(names[i], name.data, name.len); /* the rest is zeros already */
		if (slice_eq_str(name, names[i])) {
			found = names[i];
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}

const char *
tls_error_text(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text == NULL ? "no reason given" : text;
}

int
tls_pin_of(X509 *x, uint8_t pin_out[TLS_PIN_SIZE])
{
	unsigned char *der = NULL;
	unsigned int n = TLS_PIN_SIZE;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	int ok = len > 0 && EVP_Digest(der, (size_t)len, pin_out, &n, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok ? 0 : ERR_TLS;
}

static SSL_CTX *
context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
		SSL_OP_PRIORITIZE_CHACHA);
	/* The output of a session may be moved between two tries (it is a growing buffer). */
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) != 1 || SSL_CTX_set1_groups_list(ctx, TLS_GROUPS) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

SSL_CTX *
tls_client_context(void)
{
	return context_new(TLS_client_method());
}

int
tls_start(struct error *e)
{
	SSL_CTX *ctx = context_new(TLS_server_method());

	SSL_CTX_free(ctx);
	return ctx == NULL ? error_set(e, ERR_TLS, "libssl makes no server context: %s", tls_error_text()) : 0;
}

/* Certificates and key are loaded; then all is checked. */
static int
context_finish(SSL_CTX *ctx, uint8_t pin_out[TLS_PIN_SIZE], const char *what, struct error *e)
{
	if (SSL_CTX_check_private_key(ctx) != 1)
		return error_set(e, ERR_TLS, "the private key is not that of '%s': %s", what, tls_error_text());
	if (tls_pin_of(SSL_CTX_get0_certificate(ctx), pin_out) != 0)
		return error_set(e, ERR_TLS, "the public key of '%s' cannot be hashed", what);
	return 0;
}

static int
load_files(SSL_CTX *ctx, const char *certificate_path, const char *key_path, struct error *e)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate_path) != 1)
		return error_set(
		    e, ERR_TLS, "'%s' is not read as a PEM certificate chain: %s", certificate_path, tls_error_text());
	if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
		return error_set(e, ERR_TLS, "'%s' is not read as the PEM private key of '%s': %s", key_path,
		    certificate_path, tls_error_text());
	return 0;
}

static BIO *
text_bio(struct slice text)
{
	return text.len > INT_MAX ? NULL : BIO_new_mem_buf(text.data, (int)text.len);
}

static bool
use_chain(SSL_CTX *ctx, BIO *bio)
{
	X509 *x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool ok = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = SSL_CTX_add0_chain_cert(ctx, x) == 1; /* takes it */
		if (!ok)
			X509_free(x);
	}
	if (!ok || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false; /* also for a file that is half written */
	ERR_clear_error();
	return true;
}

/* Nobody is there to be asked. */
static int
no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int
load_text(SSL_CTX *ctx, struct slice certificates, struct slice key, struct error *e)
{
	BIO *chain = text_bio(certificates), *secret = text_bio(key);
	EVP_PKEY *pkey = secret == NULL ? NULL : PEM_read_bio_PrivateKey(secret, NULL, no_passphrase, NULL);
	int rc = 0;

	if (!use_chain(ctx, chain))
		rc = error_set(e, ERR_TLS, "the certificate chain is not read as PEM: %s", tls_error_text());
	else if (pkey == NULL)
		rc = error_set(e, ERR_TLS, "the private key is not read as PEM: %s", tls_error_text());
	else if (SSL_CTX_use_PrivateKey(ctx, pkey) != 1)
		rc = error_set(e, ERR_TLS, "the private key is not that of the certificate: %s", tls_error_text());
	EVP_PKEY_free(pkey);
	BIO_free(chain);
	BIO_free(secret);
	return rc;
}

static struct tls_server *
server_make(struct error *e)
{
	struct tls_server *t = mem_alloc(sizeof *t);

	if (t == NULL) {
		(void)error_nomem(e);
		return NULL;
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	t->ctx = context_new(TLS_server_method());
	if (t->ctx == NULL) {
		(void)error_set(e, ERR_TLS, "libssl makes no server context: %s", tls_error_text());
		tls_server_free(t);
		return NULL;
	}
	return t;
}

int
tls_server_new(const char *certificate_path, const char *key_path, struct tls_server **server_out, struct error *e)
{
	struct tls_server *t = server_make(e);
	int rc = t == NULL ? ERR_TLS : load_files(t->ctx, certificate_path, key_path, e);

	if (rc == 0)
		rc = context_finish(t->ctx, t->pin, certificate_path, e);
	if (rc != 0)
		tls_server_free(t);
	else
		*server_out = t;
	return rc;
}

int
tls_server_new_pem(struct slice certificates, struct slice key, struct tls_server **server_out, struct error *e)
{
	struct tls_server *t = server_make(e);
	int rc = t == NULL ? ERR_TLS : load_text(t->ctx, certificates, key, e);

	if (rc == 0)
		rc = context_finish(t->ctx, t->pin, "the certificate", e);
	if (rc != 0)
		tls_server_free(t);
	else
		*server_out = t;
	return rc;
}

int
tls_server_replace(struct tls_server *t, struct slice certificates, struct slice key, struct error *e)
{
	struct tls_server *fresh;
	SSL_CTX *old;
	int rc = tls_server_new_pem(certificates, key, &fresh, e);

	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&t->lock);
	old = t->ctx;
	t->ctx = fresh->ctx;
	memcpy(t->pin, fresh->pin, TLS_PIN_SIZE);
	(void)pthread_mutex_unlock(&t->lock);
	fresh->ctx = old; /* connections of it hold it as long as they live */
	tls_server_free(fresh);
	return 0;
}

void
tls_server_free(struct tls_server *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

const uint8_t *
tls_server_pin(const struct tls_server *t)
{
	return t->pin;
}

static int
client_load(struct tls_client *t, const struct tls_client_config *config, struct error *e)
{
	if (config->pin.len != 0 && config->pin.len != TLS_PIN_SIZE)
		return error_set(e, ERR_USAGE, "a pin has %u octets, not %zu", TLS_PIN_SIZE, config->pin.len);
	t->ctx = context_new(TLS_client_method());
	if (t->ctx == NULL)
		return error_set(e, ERR_TLS, "libssl makes no client context: %s", tls_error_text());
	if (config->pin.len != 0) {
		t->pinned = true;
		memcpy(t->pin, config->pin.data, TLS_PIN_SIZE);
	}
	if (config->ca_file != NULL) {
		if (SSL_CTX_load_verify_file(t->ctx, config->ca_file) != 1)
			return error_set(e, ERR_TLS, "'%s' is not read as PEM certificates of authorities: %s",
			    config->ca_file, tls_error_text());
	} else {
		(void)SSL_CTX_set_default_verify_paths(t->ctx); /* none there: nothing is believed but a pin */
		ERR_clear_error();
	}
	return 0;
}

int
tls_client_new(const struct tls_client_config *config, struct tls_client **client_out, struct error *e)
{
	struct tls_client *t = mem_alloc(sizeof *t);
	int rc;

	if (t == NULL)
		return error_nomem(e);
	rc = client_load(t, config, e);
	if (rc != 0)
		tls_client_free(t);
	else
		*client_out = t;
	return rc;
}

void
tls_client_free(struct tls_client *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	mem_free(t);
}

SSL *
tls_accept_new(struct tls_server *t, int fd)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&t->lock);
	ssl = SSL_new(t->ctx);
	(void)pthread_mutex_unlock(&t->lock);

	if (ssl == NULL)
		return NULL;
	if (!tls_attach(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

static bool
is_address(const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	return ip != NULL;
}

SSL *
tls_connect_new(const struct tls_client *t, int fd, const char *host)
{
	SSL *ssl = SSL_new(t->ctx);
	bool ok;

	if (ssl == NULL)
		return NULL;
	/* RFC 6066 3: no SNI for a literal address. An address is checked against the certificate's iPAddress names. */
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	else
		/* What SSL_set_tlsext_host_name() is, without its cast of const away; it makes a copy. */
		ok = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) ==
			1 &&
		    SSL_set1_host(ssl, host) == 1;
	if (!ok || !tls_attach(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* The handshake goes on whatever it shows; tls_check_peer() decides before anything is sent. */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Printable ASCII only: these texts come from the other side and are shown to a person. */
static void
set_text(char *out, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
		out[n++] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
	out[n] = '\0';
}

static void
set_name(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	out[0] = '\0';
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		set_text(out, size, text, len < 0 ? 0 : (size_t)len);
	}
	BIO_free(bio);
}

static void
set_time(char *out, size_t size, const ASN1_TIME *time)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	out[0] = '\0';
	if (bio != NULL && ASN1_TIME_print(bio, time) == 1) {
		len = BIO_get_mem_data(bio, &text);
		set_text(out, size, text, len < 0 ? 0 : (size_t)len);
	}
	BIO_free(bio);
}

static void
set_names(char *out, size_t size, const X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS || at + 3 >= size)
			continue;
		if (at > 0) {
			out[at++] = ',';
			out[at++] = ' ';
		}
		set_text(out + at, size - at, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName));
		at += strlen(out + at);
	}
	GENERAL_NAMES_free(names);
}

void
tls_describe(X509 *x, const char *reason, struct tls_peer *peer)
{
	*peer = (struct tls_peer){ 0 };
	(void)tls_pin_of(x, peer->pin);
	set_name(peer->subject, sizeof peer->subject, X509_get_subject_name(x));
	set_name(peer->issuer, sizeof peer->issuer, X509_get_issuer_name(x));
	set_names(peer->names, sizeof peer->names, x);
	set_time(peer->not_before, sizeof peer->not_before, X509_get0_notBefore(x));
	set_time(peer->not_after, sizeof peer->not_after, X509_get0_notAfter(x));
	set_text(peer->reason, sizeof peer->reason, reason, strlen(reason));
}

int
tls_check_peer(const struct tls_client *t, SSL *ssl, const char *host, struct tls_peer *peer_out, struct error *e)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	long result = SSL_get_verify_result(ssl);
	const char *reason = result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
	uint8_t pin[TLS_PIN_SIZE];

	if (x == NULL || tls_pin_of(x, pin) != 0)
		return error_set(e, ERR_TLS, "%s shows no certificate", host);
	if (t->pinned && memcmp(pin, t->pin, TLS_PIN_SIZE) != 0)
		reason = "its key is not the one that was pinned";
	else if (t->pinned)
		reason = "";
	if (peer_out != NULL)
		tls_describe(x, reason, peer_out);
	if (reason[0] == '\0')
		return 0;
	return error_set(e, ERR_TLS, "the certificate of %s is not believed: %s", host, reason);
}
