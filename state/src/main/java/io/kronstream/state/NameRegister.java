// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.io.Serializable;

/**
 * Places of names that a running job finds: kept outside of it, in one order for all its subtasks, restarts and whoever
 * checks it. A name keeps its place for ever. Not thread-safe; a copy is as good as the original.
 */
public interface NameRegister extends Serializable {
    /** The place of a name, or -1 if it has none. */
    int place(String name);

    /** The name at a place, or null if there is none. */
    String name(int place);
}
