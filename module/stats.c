// SPDX-License-Identifier: GPL-2.0-only
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "stats.h"
#include "vcpu.h"

struct counter {
	const char *name;
	size_t offset; /* of a u64 in the owner's counters */
};

/* What a file tells: whose counters, and how they are called. */
struct stat_group {
	const struct counter *stats;
	size_t count;
};

#define VCPU_STAT(name) { #name, offsetof(struct tsr_vcpu_stats, name) },
#define VM_STAT(name)	{ #name, offsetof(struct vm, stats.name) }
#define S2_STAT(name)	{ #name, offsetof(struct vm, s2.stats.name) }

static const struct counter vcpu_stats[] = { TSR_VCPU_STATS(VCPU_STAT) };

static const struct counter vm_stats[] = {
	VM_STAT(faults),       VM_STAT(exits_fault),	   VM_STAT(exits_tag),
	VM_STAT(pages_mapped), VM_STAT(blocks_mapped),	   S2_STAT(splits),
	S2_STAT(joins),	       S2_STAT(pages_tags_opened), VM_STAT(cleans),
};

static const struct stat_group vcpu_group = { vcpu_stats, ARRAY_SIZE(vcpu_stats) };
static const struct stat_group vm_group = { vm_stats, ARRAY_SIZE(vm_stats) };

/* The file: header, name, descriptors, values. */
struct stat_layout {
	size_t id, desc, data, end;
};

static struct stat_layout layout_of(const struct stat_group *group)
{
	struct stat_layout at = { .id = sizeof(struct kvm_stats_header) };

	at.desc = at.id + KVM_STATS_NAME_SIZE;
	at.data = at.desc + group->count * sizeof(struct kvm_stats_desc);
	at.end = at.data + group->count * sizeof(u64);
	return at;
}

static void file_fill(u8 *file, const struct stat_group *group, const void *counters,
		      const char *id)
{
	struct stat_layout at = layout_of(group);
	struct kvm_stats_header *header = (void *)file;
	struct kvm_stats_desc *desc = (void *)(file + at.desc);
	u64 *data = (void *)(file + at.data);
	size_t i;

	header->name_size = KVM_STATS_NAME_SIZE;
	header->num_desc = group->count;
	header->id_offset = at.id;
	header->desc_offset = at.desc;
	header->data_offset = at.data;
	strscpy(file + at.id, id, KVM_STATS_NAME_SIZE);
	for (i = 0; i < group->count; i++) {
		desc[i].flags =
			KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10;
		desc[i].size = 1;
		desc[i].offset = i * sizeof(u64);
		strscpy(desc[i].name, group->stats[i].name, sizeof(desc[i].name));
		data[i] = READ_ONCE(*(const u64 *)(counters + group->stats[i].offset));
	}
}

static ssize_t group_read(const struct stat_group *group, const void *counters, const char *id,
			  char __user *user, size_t size, loff_t *pos)
{
	size_t end = layout_of(group).end;
	u8 *file = kzalloc(end, GFP_KERNEL);
	ssize_t ret;

	if (!file)
		return -ENOMEM;
	file_fill(file, group, counters, id);
	ret = simple_read_from_buffer(user, size, pos, file, end);
	kfree(file);
	return ret;
}

static ssize_t vm_stats_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	const struct tsr_vm *vm = file->private_data;
	char id[KVM_STATS_NAME_SIZE];

	snprintf(id, sizeof(id), "kvm-%d", vm->pid);
	return group_read(&vm_group, &vm->mem, id, user, size, pos);
}

static ssize_t vcpu_stats_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	const struct tsr_vcpu *v = file->private_data;
	char id[KVM_STATS_NAME_SIZE];

	snprintf(id, sizeof(id), "kvm-%d/vcpu-%u", v->vm->pid, v->id);
	return group_read(&vcpu_group, &v->stats, id, user, size, pos);
}

static int vm_stats_release(struct inode *inode, struct file *file)
{
	tsr_vm_put(file->private_data);
	return 0;
}

static int vcpu_stats_release(struct inode *inode, struct file *file)
{
	struct tsr_vcpu *v = file->private_data;

	tsr_vm_put(v->vm);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = noop_llseek,
};

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = noop_llseek,
};

static int stats_fd(const char *name, const struct file_operations *fops, void *owner,
		    struct tsr_vm *vm)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile_fmode(name, fops, owner, O_RDONLY, FMODE_PREAD);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	tsr_vm_get(vm);
	fd_install(fd, file);
	return fd;
}

int tsr_vm_stats_fd(struct tsr_vm *vm)
{
	return stats_fd("kvm-vm-stats", &vm_stats_fops, vm, vm);
}

int tsr_vcpu_stats_fd(struct tsr_vcpu *v)
{
	return stats_fd("kvm-vcpu-stats", &vcpu_stats_fops, v, v->vm);
}
