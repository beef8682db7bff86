// As much of UnityEngine as MaquettePlayer and MaquetteLive use, with the same names, signatures and mathematics.
using System;
using System.Collections.Generic;

namespace UnityEngine
{
    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) { this.x = x; this.y = y; this.z = z; }
        public static Vector3 one { get { return new Vector3(1, 1, 1); } }
        public float magnitude { get { return (float)Math.Sqrt(x * x + y * y + z * z); } }
        public static Vector3 operator +(Vector3 a, Vector3 b) { return new Vector3(a.x + b.x, a.y + b.y, a.z + b.z); }
        public static Vector3 operator -(Vector3 a, Vector3 b) { return new Vector3(a.x - b.x, a.y - b.y, a.z - b.z); }
        public static Vector3 operator *(Vector3 a, float f) { return new Vector3(a.x * f, a.y * f, a.z * f); }
    }

    public struct Quaternion
    {
        public float x, y, z, w;
        public Quaternion(float x, float y, float z, float w) { this.x = x; this.y = y; this.z = z; this.w = w; }
        public static Quaternion identity { get { return new Quaternion(0, 0, 0, 1); } }
        public Quaternion normalized
        {
            get
            {
                float length = (float)Math.Sqrt(x * x + y * y + z * z + w * w);
                return new Quaternion(x / length, y / length, z / length, w / length);
            }
        }
        public static Quaternion Inverse(Quaternion q) { return new Quaternion(-q.x, -q.y, -q.z, q.w); }

        public static Quaternion operator *(Quaternion a, Quaternion b)
        {
            return new Quaternion(
                a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y + a.y * b.w + a.z * b.x - a.x * b.z,
                a.w * b.z + a.z * b.w + a.x * b.y - a.y * b.x, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z);
        }

        public static Vector3 operator *(Quaternion q, Vector3 v)
        {
            Quaternion r = q * new Quaternion(v.x, v.y, v.z, 0) * Inverse(q);
            return new Vector3(r.x, r.y, r.z);
        }
    }

    public class Object
    {
        public virtual string name { get; set; }
        public static void Destroy(Object gone) { }
    }

    public class Component : Object
    {
        public GameObject gameObject;
        public override string name { get { return gameObject.name; } set { gameObject.name = value; } }
        public Transform transform { get { return gameObject.transform; } }
        public T GetComponent<T>() where T : Component { return gameObject.GetComponent<T>(); }
    }

    public class Behaviour : Component { public bool enabled = true; }

    public class MonoBehaviour : Behaviour { }

    public class GameObject : Object
    {
        public readonly Transform transform;
        public bool activeSelf = true;
        readonly List<Component> parts = new List<Component>();
        public GameObject(string name = "") { this.name = name; transform = new Transform { gameObject = this }; }
        public void SetActive(bool value) { activeSelf = value; }
        public static GameObject CreatePrimitive(PrimitiveType type) { return new GameObject(); }
        public T AddComponent<T>() where T : Component, new()
        {
            var part = new T { gameObject = this };
            parts.Add(part);
            return part;
        }
        public T GetComponent<T>() where T : Component
        {
            foreach (Component part in parts) if (part is T) return (T)part;
            return null;
        }
    }

    public class Transform : Component
    {
        public readonly List<Transform> children = new List<Transform>();
        public Transform parent;
        public Vector3 localPosition, localScale = Vector3.one;
        public Quaternion localRotation = Quaternion.identity;
        public Quaternion rotation
        {
            get { return parent == null ? localRotation : parent.rotation * localRotation; }
            set { localRotation = (parent == null ? value : Quaternion.Inverse(parent.rotation) * value).normalized; }
        }
        public Vector3 position
        {
            get { return parent == null ? localPosition : parent.TransformPoint(localPosition); }
            set
            {
                localPosition = parent == null ? value
                    : Quaternion.Inverse(parent.rotation) * (value - parent.position);
            }
        }
        public Vector3 TransformPoint(Vector3 point) { return position + rotation * point; }
        public void SetParent(Transform to, bool worldPositionStays) { parent = to; to.children.Add(this); }
        public T[] GetComponentsInChildren<T>() where T : Component
        {
            var found = new List<T>();
            if (this is T) found.Add((T)(object)this);
            foreach (Transform child in children) found.AddRange(child.GetComponentsInChildren<T>());
            return found.ToArray();
        }
    }

    public struct SkeletonBone { public string name; public Vector3 position; public Quaternion rotation; public Vector3 scale; }

    public struct HumanDescription { public SkeletonBone[] skeleton; }

    public class Avatar : Object { public HumanDescription humanDescription; }

    public class Animator : Behaviour
    {
        public bool isHuman;
        public Avatar avatar;
        public readonly Dictionary<HumanBodyBones, Transform> bones = new Dictionary<HumanBodyBones, Transform>();
        public Transform GetBoneTransform(HumanBodyBones bone)
        {
            Transform part;
            return bones.TryGetValue(bone, out part) ? part : null;
        }
    }

    public class TextAsset : Object { public string text; }

    public static class Debug
    {
        public static void Log(object message) { }
        public static void LogWarning(object message) { Console.Error.WriteLine(message); }
    }

    public static class Time { public static float deltaTime; }

    public enum PrimitiveType { Sphere }

    public enum HumanBodyBones
    {
        Hips, LeftUpperLeg, RightUpperLeg, LeftLowerLeg, RightLowerLeg, LeftFoot, RightFoot, Spine, Chest, Neck, Head,
        LeftShoulder, RightShoulder, LeftUpperArm, RightUpperArm, LeftLowerArm, RightLowerArm, LeftHand, RightHand,
        LeftToes, RightToes, UpperChest
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute { public TooltipAttribute(string tooltip) { } }
}
