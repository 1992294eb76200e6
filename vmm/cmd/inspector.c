/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <ctype.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "inspector.h"

#define PATIENCE 10 /* seconds */

/* A descriptor in a message: one byte of data, since a message has to have some. */
struct parcel {
	char byte;
	struct iovec data;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;
};

static void parcel_init(struct parcel *parcel)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->data = (struct iovec){ .iov_base = &parcel->byte, .iov_len = 1 };
	parcel->message.msg_iov = &parcel->data;
	parcel->message.msg_iovlen = 1;
	parcel->message.msg_control = &parcel->control;
	parcel->message.msg_controllen = sizeof(parcel->control);
}

/* The address of @path, or the abstract one of process @pid; 0 if the path is too long. */
static socklen_t address_of(const char *path, unsigned long pid, struct sockaddr_un *address)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!path)
		return (socklen_t)(head + 1 +
				   (size_t)snprintf(address->sun_path + 1,
						    sizeof(address->sun_path) - 1, "tessera-%lu",
						    pid));
	if (!path[0] || strlen(path) >= sizeof(address->sun_path))
		return 0;
	strcpy(address->sun_path, path);
	return sizeof(*address);
}

int inspector_open(struct inspector *inspector, const char *path, struct tsr_why *why)
{
	struct sockaddr_un address;
	socklen_t size = address_of(path, (unsigned long)getpid(), &address);
	mode_t mask;
	int error = 0;

	inspector->path = path;
	inspector->socket = -1;
	if (!size)
		return tsr_because(why, -ENAMETOOLONG, "\"%s\" is no name for a socket.", path);
	inspector->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (inspector->socket < 0)
		return tsr_because(why, -errno, "Cannot make a socket: %s.", strerror(errno));
	mask = umask(S_IRWXG | S_IRWXO);
	if (bind(inspector->socket, (struct sockaddr *)&address, size))
		error = -errno;
	umask(mask);
	if (!error && !listen(inspector->socket, 8))
		return 0;
	error = error ? error : -errno;
	close(inspector->socket);
	inspector->socket = -1;
	return tsr_because(why, error, "Cannot listen at %s: %s.",
			   path ? path : "the socket by which tessera inspect asks",
			   strerror(-error));
}

void inspector_close(struct inspector *inspector)
{
	if (inspector->socket < 0)
		return;
	if (inspector->path)
		unlink(inspector->path);
	close(inspector->socket);
	inspector->socket = -1;
}

static bool is_trusted(uid_t user)
{
	return user == 0 || user == geteuid();
}

static bool peer_of(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) && size == sizeof(*peer);
}

static void send_descriptor(int to, int fd)
{
	struct parcel parcel;
	struct cmsghdr *head;

	parcel_init(&parcel);
	head = CMSG_FIRSTHDR(&parcel.message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	/* Who asked may have gone; then nobody misses the answer. */
	(void)!sendmsg(to, &parcel.message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_client(int client, struct tsr_vm *vm, const struct tsr_ram *ram,
			  struct tsr_lazy *lazy, unsigned int vcpus)
{
	int fd = memfd_create("tessera-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file && !snapshot_write(file, vm, ram, lazy, vcpus) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		send_descriptor(client, fd);
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
}

void inspector_answer(struct inspector *inspector, struct tsr_vm *vm, const struct tsr_ram *ram,
		      struct tsr_lazy *lazy, unsigned int vcpus)
{
	int client = accept4(inspector->socket, NULL, NULL, SOCK_CLOEXEC);
	struct ucred peer;

	if (client < 0)
		return;
	if (peer_of(client, &peer) && is_trusted(peer.uid))
		answer_client(client, vm, ram, lazy, vcpus);
	close(client);
}

static int receive_descriptor(int from)
{
	struct parcel parcel;
	struct cmsghdr *head;
	int fd;

	parcel_init(&parcel);
	if (recvmsg(from, &parcel.message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	head = CMSG_FIRSTHDR(&parcel.message);
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* A process's number: digits and nothing else. */
static const char *path_unless_pid(const char *where, unsigned long *pid)
{
	char *end;

	*pid = 0;
	if (!isdigit((unsigned char)where[0]))
		return where;
	*pid = strtoul(where, &end, 10);
	return *end ? where : NULL;
}

/* For an answer, and to be let in where many wait for one who does not answer. */
static int patience_set(int fd)
{
	struct timeval patience = { .tv_sec = PATIENCE };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int connect_to(const char *where, int fd, struct tsr_why *why)
{
	struct sockaddr_un address;
	struct ucred peer;
	unsigned long pid;
	const char *path = path_unless_pid(where, &pid);
	socklen_t size = address_of(path, pid, &address);

	if (!size)
		return tsr_because(why, -ENAMETOOLONG, "\"%s\" is no name of a socket.", where);
	if (patience_set(fd))
		return tsr_because(why, -errno, "Cannot set a time limit: %s.", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, size))
		return tsr_because(why, -errno,
				   "No VM can be asked at %s: %s. Name the process of a tessera "
				   "run, or the socket that it was given (--socket).",
				   where, strerror(errno));
	if (!peer_of(fd, &peer) || !is_trusted(peer.uid) || (!path && peer.pid != (pid_t)pid))
		return tsr_because(why, -EPERM, "Somebody else than that VM answers at %s.", where);
	return 0;
}

int inspector_ask(const char *where, FILE **answer, struct tsr_why *why)
{
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = -1, error;

	if (server < 0)
		return tsr_because(why, -errno, "Cannot make a socket: %s.", strerror(errno));
	error = connect_to(where, server, why);
	if (!error) {
		fd = receive_descriptor(server);
		*answer = fd < 0 ? NULL : fdopen(fd, "r");
		if (!*answer)
			error = tsr_because(why, -EPROTO,
					    "%s gives no answer: it belongs to another user, or "
					    "its memory could not be looked at.",
					    where);
		else
			rewind(*answer);
	}
	if (error && fd >= 0)
		close(fd);
	close(server);
	return error;
}
