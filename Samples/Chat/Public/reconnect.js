// Keeps a socket connected, and says what it is doing. Socket.IO can reconnect by itself; doing it here gives the
// page the exact countdown and a "try now". Waits are random, so that a thousand pages don't come back at once.

const FIRST_DELAY = 1.5, LONGEST_DELAY = 20; // seconds

/**
 * Calls `waiting(seconds, attempt)` every second, `attempting(attempt)`, `restored()` after an interruption, and
 * `refused(error)` when the server answered that it doesn't want this client. Returns a function that retries now.
 */
export function keepConnected(socket, { waiting, attempting, restored, refused }) {
    let attempt = 0;
    let timer;

    function tryNow() {
        clearTimeout(timer);
        attempting(attempt);
        socket.connect();
    }

    function countDown(seconds) {
        if (seconds <= 0) return tryNow();
        waiting(seconds, attempt);
        timer = setTimeout(countDown, 1000, seconds - 1);
    }

    function wait() {
        clearTimeout(timer);
        attempt += 1;
        const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1));
        countDown(Math.ceil(delay * (0.5 + Math.random() / 2)));
    }

    socket.on("connect", () => {
        clearTimeout(timer);
        if (attempt > 0) restored();
        attempt = 0;
    });
    socket.on("disconnect", (reason) => {
        if (reason !== "io client disconnect") wait();
    });
    socket.on("connect_error", (error) => {
        // The socket stays active when only the network failed.
        if (socket.active) wait();
        else refused(error);
    });
    window.addEventListener("online", () => {
        if (attempt > 0 && !socket.connected) tryNow();
    });
    return tryNow;
}
