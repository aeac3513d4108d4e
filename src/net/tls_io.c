/* SPDX-License-Identifier: ISC */
#include "net/tls_internal.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>

/* ---- a socket BIO that raises no SIGPIPE: libcrypto's own uses write(2) ---- */

static BIO_METHOD *quiet_socket;
static pthread_once_t quiet_socket_once = PTHREAD_ONCE_INIT;

static int
quiet_write(BIO *bio, const char *data, int len)
{
	int fd = -1;
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (BIO_get_fd(bio, &fd) < 0 || len <= 0)
		return -1;
	n = send(fd, data, (size_t)len, MSG_NOSIGNAL);
	if (n <= 0 && BIO_sock_should_retry(-1))
		BIO_set_retry_write(bio);
	return (int)n;
}

static void
make_quiet_socket(void)
{
	const BIO_METHOD *from = BIO_s_socket();
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");

	if (m == NULL || BIO_meth_set_write(m, quiet_write) != 1 ||
	    BIO_meth_set_read(m, BIO_meth_get_read(from)) != 1 || BIO_meth_set_ctrl(m, BIO_meth_get_ctrl(from)) != 1 ||
	    BIO_meth_set_create(m, BIO_meth_get_create(from)) != 1 ||
	    BIO_meth_set_destroy(m, BIO_meth_get_destroy(from)) != 1)
		BIO_meth_free(m);
	else
		quiet_socket = m; /* one for the life of the process */
}

bool
tls_attach(SSL *ssl, int fd)
{
	BIO *bio;

	(void)pthread_once(&quiet_socket_once, make_quiet_socket);
	bio = quiet_socket == NULL ? NULL : BIO_new(quiet_socket);
	if (bio == NULL)
		return false;
	(void)BIO_set_fd(bio, fd, BIO_NOCLOSE);
	SSL_set_bio(ssl, bio, bio);
	return true;
}

/* ---- results ---- */

static enum io_result
result_of(SSL *ssl, int rc)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_NONE:
		return IO_OK;
	case SSL_ERROR_WANT_READ:
		return IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	default:
		/* An end without close_notify comes here too: a cut connection, never a clean end of input. */
		return IO_ERROR;
	}
}

enum io_result
tls_handshake(SSL *ssl)
{
	ERR_clear_error();
	return result_of(ssl, SSL_do_handshake(ssl));
}

enum io_result
tls_read(SSL *ssl, void *data, size_t len, size_t *got)
{
	*got = 0;
	ERR_clear_error();
	return result_of(ssl, SSL_read_ex(ssl, data, len, got));
}

enum io_result
tls_write(SSL *ssl, const void *data, size_t len, size_t *put)
{
	*put = 0;
	ERR_clear_error();
	return result_of(ssl, SSL_write_ex(ssl, data, len, put));
}

void
tls_shutdown(SSL *ssl)
{
	ERR_clear_error();
	(void)SSL_shutdown(ssl);
	ERR_clear_error();
}

static enum io_result
result_of_errno(enum io_result again)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? again : IO_ERROR;
}

enum io_result
fd_read(int fd, void *data, size_t len, size_t *got)
{
	ssize_t n = recv(fd, data, len, 0);

	*got = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return IO_OK;
	return n == 0 ? IO_EOF : result_of_errno(IO_WANT_READ);
}

enum io_result
fd_write(int fd, const void *data, size_t len, size_t *put)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	*put = n > 0 ? (size_t)n : 0;
	return n > 0 ? IO_OK : result_of_errno(IO_WANT_WRITE);
}
