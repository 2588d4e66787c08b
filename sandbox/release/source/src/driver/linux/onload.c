// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* Stands in for the driver of /dev/onload; it needs sfc_char and sfc_resource, and, like the real one, not sfc. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "onload_demo.h"

static const struct file_operations operations = {
	.owner = THIS_MODULE,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "onload",
	.fops = &operations,
};

static int __init onload_init(void)
{
	int error;

	if (!sfc_char_ready())
		return -ENODEV;
	error = misc_register(&device);
	if (!error)
		sfc_resource_take();
	return error;
}

static void __exit onload_exit(void)
{
	sfc_resource_give();
	misc_deregister(&device);
}

module_init(onload_init);
module_exit(onload_exit);
MODULE_DESCRIPTION("onload-kmm demonstration in place of OpenOnload");
MODULE_VERSION(ONLOAD_VERSION);
MODULE_LICENSE("GPL");
