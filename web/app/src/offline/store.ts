// Where decisions wait: IndexedDB, so that neither a dropped line nor a closed window loses one.

export interface Waiting {
  /** The idempotency key: the server counts a key once, however often it hears it. */
  key: string;
  /** Whose decision it is; it is sent under no other person's session. */
  user: string;
  case: string;
  /** The finding decided, or null for one newly drawn. */
  finding: string | null;
  path: string;
  body: unknown;
  /** What the page shows of it until the server has answered. */
  shown: { verdict: string; label?: string | null };
  at: number;
  /** Not sent before this time: until then it can be taken back without a trace. */
  due: number;
  tries: number;
  /** Set when the server refused it for good; a person must look. */
  refused: string | null;
}

export interface Store {
  all(): Promise<Waiting[]>;
  put(entry: Waiting): Promise<void>;
  remove(key: string): Promise<void>;
}

const name = "bianque";
const table = "decisions";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const ask = indexedDB.open(name, 1);
    ask.onupgradeneeded = () => ask.result.createObjectStore(table, { keyPath: "key" });
    ask.onsuccess = () => resolve(ask.result);
    ask.onerror = () => reject(ask.error);
  });
}

async function within<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(table, mode, { durability: "strict" });
      const ask = act(transaction.objectStore(table));
      transaction.oncomplete = () => resolve(ask.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const browserStore: Store = {
  all: async () =>
    (await within<Waiting[]>("readonly", (store) => store.getAll())).sort((a, b) => a.at - b.at),
  put: async (entry) => {
    await within("readwrite", (store) => store.put(entry));
  },
  remove: async (key) => {
    await within("readwrite", (store) => store.delete(key));
  },
};
