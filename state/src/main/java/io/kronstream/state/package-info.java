// SPDX-License-Identifier: Apache-2.0
/**
 * Learners as Flink managed state: codecs and serializers of everything that travels or is stored, arenas cut into
 * blocks, the write-back cache, and the versioned channel. Nothing here computes; that is the optimizer module's.
 */
package io.kronstream.state;
