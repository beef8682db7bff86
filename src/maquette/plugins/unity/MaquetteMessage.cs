// One line of Maquette's live stream: {"v": 1, "frame": 7, "t": 0.233, "person": 0, "joints": {"hip": [x, y, z], ...},
// "conf": {"hip": 0.9, ...}, "root": [x, y, z]}, metres in Maquette's world.
using System.Collections.Generic;

namespace Maquette
{
    /// <summary>One person at one moment, in Unity's axes.</summary>
    public sealed class MaquetteMessage
    {
        public int Frame;
        public double TimeS;
        public int Person;
        public Dictionary<string, Place> Joints = new Dictionary<string, Place>();
        /// <summary>Confidence of joints, 0 to 1; empty where the sender says none.</summary>
        public Dictionary<string, float> Confidence = new Dictionary<string, float>();
        /// <summary>Place of the root; NaN where the sender says none.</summary>
        public Place Root = new Place(float.NaN, float.NaN, float.NaN);

        /// <summary>Reads one line.</summary>
        public static MaquetteMessage Parse(string line)
        {
            var members = MaquetteJson.Parse(line) as Dictionary<string, object>;
            if (members == null || !members.ContainsKey("joints"))
                throw new MaquetteFormatException("not a message of Maquette's stream");
            if (MaquetteMotion.Number(MaquetteMotion.Get(members, "v")) > 1)
                throw new MaquetteFormatException("a newer version of the stream; get the newer reader");
            var message = new MaquetteMessage
            {
                Frame = (int)Or(members, "frame", 0),
                TimeS = Or(members, "t", 0),
                Person = (int)Or(members, "person", 0),
            };
            var joints = members["joints"] as Dictionary<string, object>;
            if (joints == null) throw new MaquetteFormatException("'joints' is not an object");
            foreach (var joint in joints)
                if (joint.Value != null) message.Joints[joint.Key] = At(joint.Value);
            object root = MaquetteMotion.Get(members, "root");
            if (root != null) message.Root = At(root);
            var confidence = MaquetteMotion.Get(members, "conf") as Dictionary<string, object>;
            if (confidence != null)
                foreach (var joint in confidence) message.Confidence[joint.Key] = (float)MaquetteMotion.Number(joint.Value);
            return message;
        }

        static double Or(Dictionary<string, object> members, string name, double otherwise)
        {
            object value = MaquetteMotion.Get(members, name);
            return value == null ? otherwise : MaquetteMotion.Number(value);
        }

        static Place At(object value)
        {
            double[] p = MaquetteMotion.Numbers(value);
            if (p.Length != 3) throw new MaquetteFormatException("a position has " + p.Length + " numbers");
            return MaquetteMotion.ToUnity(p, false);
        }
    }
}
