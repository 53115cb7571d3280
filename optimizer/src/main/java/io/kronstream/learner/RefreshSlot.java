// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.fisher.RefreshMethod;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Where the refreshes of one side of one layer stand. At most one is outstanding. */
final class RefreshSlot {
    final int layer;
    final int side;
    final int size;

    /** The step after which the next one falls due; 0 while none is in sight. */
    long dueAfter;
    /** How many refreshes were asked for. */
    long version;
    /** Whether refresh {@link #version} has not been installed. */
    boolean outstanding;
    /** The step after which it was asked for. */
    long askedAfter;

    RefreshMethod method = RefreshMethod.QR_ITERATION;
    double shift;
    double exponent;
    /** Whether another one fell due while this one was outstanding; it is asked for right after the installation. */
    boolean deferred;

    /** The answer to the outstanding refresh, once it is there. Not part of the state: it can be asked for again. */
    RefreshAnswer answer;

    RefreshSlot(RefreshSide side) {
        this.layer = side.layer();
        this.side = side.side();
        this.size = side.size();
    }

    /** The tensor that keeps the factor that the outstanding refresh was asked for. */
    String askedTensor() {
        String block = side < 2 ? "" : "block" + side / 2 + ".";
        return ModelNetwork.layerPrefix(layer) + block + (side % 2 == 0 ? "left.asked" : "right.asked");
    }

    /** The same for its partner. */
    String askedPartnerTensor() {
        return askedTensor() + "Partner";
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(dueAfter);
        out.writeLong(version);
        out.writeBoolean(outstanding);
        out.writeLong(askedAfter);
        out.writeUTF(method.name());
        out.writeDouble(shift);
        out.writeDouble(exponent);
        out.writeBoolean(deferred);
    }

    void read(DataInput in) throws IOException {
        dueAfter = in.readLong();
        version = in.readLong();
        outstanding = in.readBoolean();
        askedAfter = in.readLong();
        method = RefreshMethod.valueOf(in.readUTF());
        shift = in.readDouble();
        exponent = in.readDouble();
        deferred = in.readBoolean();
    }
}
