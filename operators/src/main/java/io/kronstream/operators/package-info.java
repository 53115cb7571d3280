// SPDX-License-Identifier: Apache-2.0
/**
 * The Flink operators: TRAIN, which learns, and EIGEN-REFRESH, which does the cubic work. They are thin shells: read state,
 * call the learner, write state, emit, count; no algebra here.
 */
package io.kronstream.operators;
