// Pictures: which ones may be sent and shown, and how a large one gets small enough.

const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LARGEST = 500_000; // bytes
const SIZES = [1600, 1000, 600]; // pixels of the longer side, tried in turn

/** Gives `{ type, data }` of a picture that the server accepts, or throws an error to show. */
export async function readImage(file) {
    if (!TYPES.includes(file.type)) throw new Error("Only PNG, JPEG, GIF and WebP pictures can be sent.");
    for (const size of [null, ...SIZES]) {
        const blob = size ? await shrink(file, size) : file;
        if (blob.size <= LARGEST) return { type: blob.type, data: await blob.arrayBuffer() };
    }
    throw new Error("This picture is larger than 500 kB.");
}

/** An address for an `<img>`; only types that cannot contain a script are given one. */
export function imageURL({ type, data }) {
    return TYPES.includes(type) ? URL.createObjectURL(new Blob([data], { type })) : "";
}

async function shrink(file, size) {
    const bitmap = await createImageBitmap(file).catch(() => {
        throw new Error("This picture cannot be read.");
    });
    const scale = Math.min(1, size / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
}
