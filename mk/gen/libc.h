/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The headers of libc from which provium.const is made: for constants that the
 * kernel does not export, and for those whose kernel headers include libc's.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/shm.h>
#include <linux/vm_sockets.h>
