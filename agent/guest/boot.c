// SPDX-License-Identifier: GPL-2.0-only
/*
 * The duties of a guest's PID 1: mounts, the profile's root and init, the
 * links.
 *
 * Parameters on the kernel's command line:
 *	provium.root=/dev/vda	a file system that becomes the root: read-only,
 *				with a writable layer in memory if the kernel
 *				has overlayfs
 *	provium.root=9p:TAG	the same with a folder of the host
 *	provium.init=/sbin/init	becomes PID 1; the agent runs on as its child
 *	provium.noise=SEED,NS	starts the noise of noise.h
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guest/boot.h"
#include "agent/guest/drivers.h"
#include "agent/guest/noise.h"
#include "agent/wire/wire.h"

#define PORT_WAIT_MS 2000		/* a driver that needs longer to name
					 * the port has failed */
/*
 * The runner makes one controller with one port, number 1 (number 0 is reserved
 * for a console).  The port's name (WIRE_PORT_NAME) becomes visible after the
 * device node, without an event.
 */
#define PORT "/dev/vport0p1"
#define NEW_ROOT "/.provium/root"
#define HOST_NAME "provium"

noreturn void boot_give_up(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(2, WIRE_LAST_WORDS "%s\n", text);
	exit(1);		/* the kernel panics, and the runner shows the text */
}

/* Makes the directory and mounts on it.  A mount that exists already stays. */
static int mount_at(const char *type, const char *dir, const char *data)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, data) && errno != EBUSY)
		return -errno;
	return 0;
}

/* The links that udev makes: programs open /dev/stdin and /dev/fd/3. */
static void link_descriptors(void)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			return;		/* this /dev cannot be written to */
}

/*
 * Mounts the basic file systems. tmp: also an empty /tmp. (A folder of the host
 * has its own /tmp.)
 */
static void mount_basics(bool tmp)
{
	if (mount_at("devtmpfs", "/dev", "mode=0755"))
		boot_give_up("devtmpfs: %s (the kernel needs CONFIG_DEVTMPFS)",
		    strerror(errno));
	if (mount_at("proc", "/proc", NULL) || mount_at("sysfs", "/sys", NULL))
		boot_give_up("proc or sysfs: %s", strerror(errno));
	mount_at("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	if (tmp)
		mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("tmpfs", "/run", "mode=0755");
	mount_at("cgroup2", "/sys/fs/cgroup", NULL);
	link_descriptors();
}

/*
 * Returns the value of NAME= on the kernel's command line, copied to buf; NULL
 * if there is none.
 */
static char *parameter(const char *name, char *buf, size_t cap)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);
	size_t len = strlen(name);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	for (char *at = strtok(buf, " \n"); at; at = strtok(NULL, " \n"))
		if (!strncmp(at, name, len) && at[len] == '=')
			return at + len + 1;
	return NULL;
}

/*
 * Mounts the device on dir, as the first file system type that fits.  0 or
 * -ENODEV.
 */
static int mount_any(const char *dev, const char *dir)
{
	FILE *list = fopen("/proc/filesystems", "re");
	char line[80], type[80];
	int ret = -ENODEV;

	while (list && ret && fgets(line, sizeof(line), list))
		if (sscanf(line, " %79s", type) == 1 && strcmp(type, "nodev") &&
		    !mount(dev, dir, type, MS_RDONLY, NULL))
			ret = 0;
	if (list)
		fclose(list);
	return ret;
}

static bool is_share(const char *source)
{
	return !strncmp(source, "9p:", 3);
}

static int mount_source(const char *source, const char *dir)
{
	if (!is_share(source))
		return mount_any(source, dir);
	/*
	 * The host's folder does not change while the VM runs, so everything
	 * can be cached.
	 */
	return mount(source + 3, dir, "9p", MS_RDONLY,
		     "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
}

static void enter_root(const char *dev)
{
	mkdir("/.provium/lower", 0755);
	mkdir("/.provium/layer", 0755);
	mkdir(NEW_ROOT, 0755);
	if (mount_source(dev, "/.provium/lower"))
		boot_give_up("provium.root=%s: no file system of this kernel can mount it", dev);
	mount("tmpfs", "/.provium/layer", "tmpfs", 0, "mode=0755");
	mkdir("/.provium/layer/up", 0755);
	mkdir("/.provium/layer/work", 0755);
	if (mount("overlay", NEW_ROOT, "overlay", 0,
		  "lowerdir=/.provium/lower,upperdir=/.provium/layer/up,workdir=/.provium/layer/work") &&
	    mount("/.provium/lower", NEW_ROOT, NULL, MS_BIND, NULL))
		boot_give_up("provium.root=%s: %s", dev, strerror(errno));
	if (chdir(NEW_ROOT) || mount(NEW_ROOT, "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		boot_give_up("provium.root=%s: cannot enter it: %s", dev, strerror(errno));
	mount_basics(!is_share(dev));
}

static void start_init(const char *init)
{
	pid_t pid = fork();

	if (pid < 0)
		boot_give_up("fork: %s", strerror(errno));
	if (!pid)
		return;			/* the child becomes the supervisor */
	execl(init, init, NULL);
	boot_give_up("provium.init=%s: %s", init, strerror(errno));
}

static void set_sysctl(const char *name, const char *value)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		(void)0;	/* without this setting the report of a hang is shorter */
	if (fd >= 0)
		close(fd);
}

/*
 * The runner sends an NMI to a guest that does not answer.  Then the kernel is
 * to panic, even with interrupts disabled, and show the stacks of all
 * processors.  An NMI is "unknown" or, where port 0x61 does not exist
 * (microvm), "unrecovered".
 */
static void panic_on_nmi(void)
{
	set_sysctl("unknown_nmi_panic", "1");
	set_sysctl("panic_on_unrecovered_nmi", "1");
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		set_sysctl("panic_print", "64");	/* PANIC_PRINT_ALL_CPU_BT */
}

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;			/* the kernel has no networking */
	ioctl(fd, SIOCSIFFLAGS, &req);
	close(fd);
}

/* Sets the host name, unless the kernel or its command line has set one. */
static void set_host_name(void)
{
	char name[65] = "";

	gethostname(name, sizeof(name));
	if (!*name || !strcmp(name, "(none)"))
		sethostname(HOST_NAME, strlen(HOST_NAME));
}

static void start_noise(const char *arg)
{
	int ret = noise_start(arg);

	if (ret)
		boot_give_up("provium.noise=%s: %s", arg, ret == -EINVAL ?
			     "expected SEED,NANOSECONDS" : strerror(-ret));
}

void boot_guest(void)
{
	char buf[4096];
	char *value;

	umask(022);
	mkdir("/.provium", 0755);
	mount_basics(true);
	drivers_load();
	value = parameter("provium.root", buf, sizeof(buf));
	if (value)
		enter_root(value);
	panic_on_nmi();
	loopback_up();
	set_host_name();
	value = parameter("provium.init", buf, sizeof(buf));
	if (value)
		start_init(value);
	value = parameter("provium.noise", buf, sizeof(buf));
	if (value)
		start_noise(value);
	setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
}

/*
 * Is there a virtio-serial controller? Its driver is bound before PID 1 starts,
 * or by drivers_load().
 */
static bool has_controller(void)
{
	DIR *dir = opendir("/sys/bus/virtio/drivers/virtio_console");
	struct dirent *ent;
	bool found = false;

	while (dir && !found && (ent = readdir(dir)))
		found = !strncmp(ent->d_name, "virtio", 6);
	if (dir)
		closedir(dir);
	return found;
}

int boot_open_port(void)
{
	struct pollfd pfd = { .events = POLLIN };
	char events[4096];
	int fd;

	if (!has_controller())
		return -ENODEV;
	pfd.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	inotify_add_watch(pfd.fd, "/dev", IN_CREATE | IN_ATTRIB);
	for (;;) {
		fd = open(PORT, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || poll(&pfd, 1, PORT_WAIT_MS) <= 0 ||
		    read(pfd.fd, events, sizeof(events)) < 0)
			break;
	}
	if (fd < 0)
		fd = -errno;
	if (pfd.fd >= 0)
		close(pfd.fd);
	return fd;
}

int boot_listen_vsock(unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_port = port,
		.svm_cid = VMADDR_CID_ANY,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8)) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

noreturn void boot_power_off(void)
{
	sync();
	/*
	 * QEMU ends on a reset (-no-reboot); microvm has no device for powering
	 * off.
	 */
	reboot(RB_AUTOBOOT);
	_exit(0);
}
