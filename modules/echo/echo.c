// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device /dev/echo: returns the data that is written to it, and has an
 * ioctl for each shape of argument.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "echo.h"

/* The state of one open file. */
struct echo {
	struct mutex lock;
	struct echo_value value;
	size_t len;
	u8 bytes[ECHO_MAX];
};

static DEFINE_MUTEX(count_lock);
static u64 count;

static int echo_open(struct inode *inode, struct file *file)
{
	struct echo *echo = kzalloc(sizeof(*echo), GFP_KERNEL);

	if (!echo)
		return -ENOMEM;
	mutex_init(&echo->lock);
	file->private_data = echo;
	return 0;
}

static int echo_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t echo_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct echo *echo = file->private_data;
	ssize_t ret = 0;

	mutex_lock(&echo->lock);
	len = min(len, echo->len);
	if (copy_to_user(to, echo->bytes, len)) {
		ret = -EFAULT;
	} else {
		echo->len -= len;
		memmove(echo->bytes, echo->bytes + len, echo->len);
		ret = len;
	}
	mutex_unlock(&echo->lock);
	return ret;
}

static ssize_t echo_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct echo *echo = file->private_data;
	ssize_t ret;

	mutex_lock(&echo->lock);
	ret = min(len, ECHO_MAX - echo->len);
	if (len && !ret)
		ret = -EAGAIN;
	else if (copy_from_user(echo->bytes + echo->len, from, ret))
		ret = -EFAULT;
	else
		echo->len += ret;
	mutex_unlock(&echo->lock);
	return ret;
}

/* The ioctls on a descriptor's value: ECHO_GET, ECHO_SET and ECHO_SWAP. */

static long do_get(struct echo *echo, void __user *arg)
{
	struct echo_value value;

	mutex_lock(&echo->lock);
	value = echo->value;
	mutex_unlock(&echo->lock);
	return copy_to_user(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

/* Sets the value to the one at @arg, and stores the previous one in @former. */
static long set_value(struct echo *echo, void __user *arg, struct echo_value *former)
{
	struct echo_value value;

	if (copy_from_user(&value, arg, sizeof(value)))
		return -EFAULT;
	if (value.sets)
		return -EINVAL;
	mutex_lock(&echo->lock);
	*former = echo->value;
	echo->value.value = value.value;
	echo->value.sets++;
	mutex_unlock(&echo->lock);
	return 0;
}

static long do_set(struct echo *echo, void __user *arg)
{
	struct echo_value former;

	return set_value(echo, arg, &former);
}

static long do_swap(struct echo *echo, void __user *arg)
{
	struct echo_value former;
	long ret = set_value(echo, arg, &former);

	if (ret)
		return ret;
	return copy_to_user(arg, &former, sizeof(former)) ? -EFAULT : 0;
}

/* ECHO_REVERSE and ECHO_UPPER: ioctls with pointers inside their argument. */

static void reverse(u8 *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len / 2; i++)
		swap(bytes[i], bytes[len - 1 - i]);
}

static long do_reverse(void __user *arg)
{
	struct echo_reverse args;
	u32 room;
	u8 *bytes;
	long ret = 0;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.in_len > ECHO_MAX)
		return -E2BIG;
	room = args.out_len;
	args.out_len = args.in_len;
	if (copy_to_user(arg, &args, sizeof(args)))
		return -EFAULT;
	if (room < args.in_len)
		return -ERANGE;

	bytes = memdup_user(u64_to_user_ptr(args.in), args.in_len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	reverse(bytes, args.in_len);
	if (copy_to_user(u64_to_user_ptr(args.out), bytes, args.in_len))
		ret = -EFAULT;
	kfree(bytes);
	return ret;
}

static u32 upper(u8 *bytes, size_t len)
{
	u32 changed = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] < 'a' || bytes[i] > 'z')
			continue;
		bytes[i] -= 'a' - 'A';
		changed++;
	}
	return changed;
}

static long do_upper(void __user *arg)
{
	struct echo_upper args;
	struct echo_item item;
	u8 *bytes;
	long ret = 0;

	if (copy_from_user(&args, arg, sizeof(args)) ||
	    copy_from_user(&item, u64_to_user_ptr(args.item), sizeof(item)))
		return -EFAULT;
	if (args.flags || item.flags)
		return -EINVAL;
	if (item.len > ECHO_MAX)
		return -E2BIG;

	bytes = memdup_user(u64_to_user_ptr(item.data), item.len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	args.changed = upper(bytes, item.len);
	if (copy_to_user(u64_to_user_ptr(item.data), bytes, item.len) ||
	    copy_to_user(arg, &args, sizeof(args)))
		ret = -EFAULT;
	kfree(bytes);
	return ret;
}

/*
 * Ioctls with deliberate faults: they write past the end of a buffer, or before
 * its start.
 */

static long fill(u64 to, size_t len)
{
	u8 *bytes = kmalloc(len, GFP_KERNEL);
	long ret = 0;

	if (!bytes)
		return -ENOMEM;
	memset(bytes, 0xee, len);
	if (copy_to_user(u64_to_user_ptr(to), bytes, len))
		ret = -EFAULT;
	kfree(bytes);
	return ret;
}

static long do_stray(void __user *arg, bool before)
{
	struct echo_stray args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.len > ECHO_MAX || args.stray > ECHO_MAX)
		return -E2BIG;
	return fill(before ? args.buf - args.stray : args.buf, args.len + args.stray);
}

/* The ioctls on the counter, such as ECHO_COUNT and ECHO_ADD. */

static long do_count(void __user *arg)
{
	u64 now;

	mutex_lock(&count_lock);
	now = count;
	mutex_unlock(&count_lock);
	return copy_to_user(arg, &now, sizeof(now)) ? -EFAULT : 0;
}

static long do_count_set(void __user *arg)
{
	u64 value;

	if (copy_from_user(&value, arg, sizeof(value)))
		return -EFAULT;
	mutex_lock(&count_lock);
	count = value;
	mutex_unlock(&count_lock);
	return 0;
}

/* Sleeps between read and write, so that another task can run in between. */
static u64 add_racy(u64 value)
{
	u64 sum = READ_ONCE(count) + value;

	usleep_range(1, 50);
	WRITE_ONCE(count, sum);
	return sum;
}

static long do_add(void __user *arg, bool racy)
{
	u64 value;

	if (copy_from_user(&value, arg, sizeof(value)))
		return -EFAULT;
	if (racy) {
		value = add_racy(value);
	} else {
		mutex_lock(&count_lock);
		value = count += value;
		mutex_unlock(&count_lock);
	}
	return copy_to_user(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

static long do_sleep(void __user *arg)
{
	u64 ms;

	if (copy_from_user(&ms, arg, sizeof(ms)))
		return -EFAULT;
	if (ms > ECHO_SLEEP_MAX)
		return -EINVAL;
	schedule_timeout_uninterruptible(msecs_to_jiffies((unsigned int)ms));
	return 0;
}

static long echo_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	struct echo *echo = file->private_data;
	void __user *arg = (void __user *)ptr;

	switch (cmd) {
	case ECHO_NOP:
		return 'E';
	case ECHO_GET:
		return do_get(echo, arg);
	case ECHO_SET:
		return do_set(echo, arg);
	case ECHO_SWAP:
		return do_swap(echo, arg);
	case ECHO_REVERSE:
		return do_reverse(arg);
	case ECHO_UPPER:
		return do_upper(arg);
	case ECHO_OVERRUN:
		return do_stray(arg, false);
	case ECHO_UNDERRUN:
		return do_stray(arg, true);
	case ECHO_OVERRUN_ARG:
		return fill(ptr, 2 * sizeof(u64));
	case ECHO_UNDERRUN_ARG:
		return fill(ptr - sizeof(u64), 2 * sizeof(u64));
	case ECHO_COUNT:
		return do_count(arg);
	case ECHO_COUNT_SET:
		return do_count_set(arg);
	case ECHO_ADD:
		return do_add(arg, false);
	case ECHO_ADD_RACY:
		return do_add(arg, true);
	case ECHO_SLEEP:
		return do_sleep(arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations echo_fops = {
	.owner		= THIS_MODULE,
	.open		= echo_open,
	.release	= echo_release,
	.read		= echo_read,
	.write		= echo_write,
	.unlocked_ioctl	= echo_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice echo_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "echo",
	.mode	= 0666,
	.fops	= &echo_fops,
};
module_misc_device(echo_device);

MODULE_DESCRIPTION("A device that returns the data it is given");
MODULE_LICENSE("GPL");
