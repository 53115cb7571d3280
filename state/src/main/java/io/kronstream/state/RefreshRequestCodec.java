// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.fisher.RefreshMethod;
import io.kronstream.learner.RefreshRequest;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Bytes of a {@link RefreshRequest}. */
public final class RefreshRequestCodec implements Codec<RefreshRequest> {
    private static final long serialVersionUID = 1;

    /** Longest side of a factor: its square still is a legal array. */
    static final int MAX_SIDE = 1 << 14;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(RefreshRequest request, DataOutput out) throws IOException {
        checkShape(request);
        Wire.writeString(request.model(), out);
        out.writeInt(request.layer());
        out.writeInt(request.side());
        out.writeLong(request.version());
        out.writeLong(request.step());
        Wire.writeString(request.configuration(), out);
        Wire.writeString(request.fingerprint(), out);
        Wire.writeString(request.method().name(), out);
        out.writeInt(request.size());
        out.writeDouble(request.shift());
        out.writeDouble(request.exponent());
        out.writeBoolean(request.partner().length > 0);
        out.writeBoolean(request.basis().length > 0);
        Wire.writeFloats(request.factor(), out);
        Wire.writeFloats(request.partner(), out);
        Wire.writeFloats(request.basis(), out);
    }

    @Override
    public RefreshRequest read(int layout, DataInput in) throws IOException {
        String model = Wire.readString(in);
        int layer = in.readInt();
        int side = in.readInt();
        long version = in.readLong();
        long step = in.readLong();
        String configuration = Wire.readString(in);
        String fingerprint = Wire.readString(in);
        RefreshMethod method = method(Wire.readString(in));
        int size = Wire.readLength("a factor's side", MAX_SIDE, in);
        double shift = in.readDouble();
        double exponent = in.readDouble();
        boolean hasPartner = in.readBoolean();
        boolean hasBasis = in.readBoolean();
        float[] factor = Wire.readFloats(triangle(size), in);
        float[] partner = Wire.readFloats(hasPartner ? triangle(size) : 0, in);
        float[] basis = Wire.readFloats(hasBasis ? size * size : 0, in);
        return new RefreshRequest(
                model,
                layer,
                side,
                version,
                step,
                configuration,
                fingerprint,
                method,
                size,
                shift,
                exponent,
                factor,
                partner,
                basis);
    }

    private static RefreshMethod method(String name) throws IOException {
        try {
            return RefreshMethod.valueOf(name);
        } catch (IllegalArgumentException e) {
            throw new IOException("Refresh method '" + name + "' is not known to this job; upgrade the job", e);
        }
    }

    private static void checkShape(RefreshRequest request) throws IOException {
        int size = request.size();
        if (size < 1
                || size > MAX_SIDE
                || request.factor().length != triangle(size)
                || (request.partner().length != 0 && request.partner().length != triangle(size))
                || (request.basis().length != 0 && request.basis().length != size * size)) {
            throw new IOException("A refresh request of side " + size + " cannot have a factor of "
                    + request.factor().length + ", a partner of " + request.partner().length + " and a basis of "
                    + request.basis().length
                    + " elements; sides go up to "
                    + MAX_SIDE);
        }
    }

    private static int triangle(int size) {
        return size * (size + 1) / 2;
    }
}
