# SPDX-License-Identifier: ISC
"""Mail that a measurement sends, over SMTP or LMTP."""
import socket
import ssl
import sys
import time


def letter(octets):
    """Of that many octets, with CRLF, and no line that is a dot."""
    return (b"From: sender@client.test\r\nSubject: new\r\n\r\n" + (b"x" * 76 + b"\r\n") * (octets // 78))[:octets - 2] + b"\r\n"


def speak(stream, text, code):
    """Sends, takes the reply, which must be of that code; when it came, by the monotonic clock."""
    stream.write(text)
    stream.flush()
    while (line := stream.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        sys.exit(f"bench: the server answered {line!r}")
    return time.monotonic()


def secure(s, hello):
    """After STARTTLS, with the greeting said again."""
    with s.makefile("rwb") as stream:
        speak(stream, b"", b"220")
        speak(stream, f"{hello} client.test\r\n".encode(), b"250")
        speak(stream, b"STARTTLS\r\n", b"220")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(s)


def deliver(port, hello, recipients, letter, starttls=False):
    """A letter (bytes with CRLF, no line that is a dot) to each recipient over one connection; when each was answered with
    250."""
    s = socket.create_connection(("127.0.0.1", port), 60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if starttls:
        s = secure(s, hello)
    with s, s.makefile("rwb") as stream:
        if not starttls:
            speak(stream, b"", b"220")
        speak(stream, f"{hello} client.test\r\n".encode(), b"250")
        answered = []
        for recipient in recipients:
            speak(stream, b"MAIL FROM:<sender@client.test>\r\n", b"250")
            speak(stream, f"RCPT TO:<{recipient}>\r\n".encode(), b"250")
            speak(stream, b"DATA\r\n", b"354")
            answered.append(speak(stream, letter + b".\r\n", b"250"))
        speak(stream, b"QUIT\r\n", b"221")
        return answered
