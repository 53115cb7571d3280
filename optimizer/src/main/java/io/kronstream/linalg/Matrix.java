// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

/** A dense row-major matrix. */
public abstract class Matrix {}
