/* Two things a shell can't do: hand a terminal to a serial bus of the kernel, and carry bytes
 * between a port and a socket. */
#include <fcntl.h>
#include <linux/serio.h>
#include <linux/tty.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/* Returns when the bus is gone. */
static int attach(const char *path)
{
	unsigned long type = SERIO_TAOSEVM;
	int discipline = N_MOUSE, tty = open(path, O_RDWR | O_NOCTTY);
	struct termios raw = { .c_cflag = CS8 | CREAD | CLOCAL | B115200, .c_cc[VMIN] = 1 };

	if (tty < 0 || tcsetattr(tty, TCSANOW, &raw) || ioctl(tty, TIOCSETD, &discipline) ||
	    ioctl(tty, SPIOCSTYPE, &type))
		return perror(path), 1;
	return read(tty, NULL, 0) != 0;
}

static int carry(const char *path, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int port = open(path, O_RDWR), sock = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd ends[2] = { { port, POLLIN, 0 }, { sock, POLLIN, 0 } };

	strncpy(to.sun_path, name, sizeof(to.sun_path) - 1);
	if (port < 0 || connect(sock, (void *)&to, sizeof(to)))
		return perror(name), 1;
	while (poll(ends, 2, -1) > 0)
		for (int from = 0; from < 2; from++) {
			char bytes[4096];
			ssize_t size, sent = 0, more;

			if (!ends[from].revents)
				continue;
			size = read(ends[from].fd, bytes, sizeof(bytes));
			if (size <= 0)
				return 0;
			for (; sent < size; sent += more)
				if ((more = write(ends[!from].fd, bytes + sent, size - sent)) <= 0)
					return 0;
		}
	return 1;
}

int main(int count, char **words)
{
	if (count == 3 && !strcmp(words[1], "attach"))
		return attach(words[2]);
	if (count == 4 && !strcmp(words[1], "carry"))
		return carry(words[2], words[3]);
	return 2;
}
